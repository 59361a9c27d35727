//! Every message of every stream, dead letters included, as it lies there.

use anyhow::{Context, Result};
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use futures::TryStreamExt;

/// A message as it lies in a stream.
pub(crate) struct Message {
    /// The stream and the place in it.
    pub(crate) place: String,
    /// Subject, headers and payload.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) async fn all(nats: &str) -> Result<Vec<Message>> {
    let address: ServerAddr = nats.parse()?;
    let (user, password) =
        address.username().zip(address.password()).context("the address has credentials")?;
    let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let jetstream = jetstream::new(options.connect(address).await?);
    let names: Vec<String> = jetstream.stream_names().try_collect().await?;
    let mut messages = Vec::new();
    for name in names {
        let stream = jetstream.get_stream(&name).await?;
        let state = stream.get_info().await?.state;
        if state.messages == 0 {
            continue;
        }
        for sequence in state.first_sequence..=state.last_sequence {
            let Ok(raw) = stream.get_raw_message(sequence).await else { continue };
            let mut bytes = raw.subject.as_bytes().to_vec();
            for (header, values) in raw.headers.iter() {
                for value in values {
                    bytes.extend_from_slice(format!("\n{header}: {value}").as_bytes());
                }
            }
            bytes.push(b'\n');
            bytes.extend_from_slice(&raw.payload);
            messages.push(Message { place: format!("{name}, message {sequence}"), bytes });
        }
    }
    Ok(messages)
}
