//! Where the ends of the services' audit logs were, outside the database: place and hash, which are nobody's data.
//!
//! The chain over an audit log finds what was changed in it, not that its end was cut off together with its seals: the database
//! alone cannot know that there was more. So each round of sealing tells here how far it came. Nothing is taken out of the stream
//! again: it remembers that a log was longer once, whatever was told since.

use async_nats::{
    HeaderMap,
    jetstream::{
        ErrorCode,
        consumer::pull::OrderedConfig,
        context::GetStreamErrorKind,
        message::PublishMessage,
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use foursight_kernel::{Error, Result};
use futures::{StreamExt, stream::BoxStream};

use crate::{Bus, bus::unavailable};

const LINK: &str = "foursight-link";
const HASH: &str = "foursight-hash";

/// How far the chain over a service's audit log was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The last place in the chain, from 1.
    pub link: i64,
    /// The hash there, which stands for all before.
    pub hash: Vec<u8>,
}

/// Tells how far a service's chain is, and comes back when JetStream has it.
///
/// # Errors
/// `UNAVAILABLE` while NATS is away.
pub async fn publish(bus: &Bus, service: &str, anchor: &Anchor) -> Result<()> {
    let hash = hex::encode(&anchor.hash);
    let mut headers = HeaderMap::new();
    headers.insert(LINK, anchor.link.to_string());
    headers.insert(HASH, hash.as_str());
    // The headers first: they replace what was set before them.
    let message = PublishMessage::build()
        .headers(headers)
        .message_id(format!("{service}/{}/{hash}", anchor.link))
        .expected_stream(bus.topology.anchor_stream());
    let subject = bus.topology.anchor_subject(service);
    bus.jetstream.send_publish(subject, message).await.map_err(unavailable)?.await.map_err(unavailable)?;
    Ok(())
}

/// What was told last; `None` when nothing was.
///
/// # Errors
/// `UNAVAILABLE` while NATS is away.
pub async fn last(bus: &Bus, service: &str) -> Result<Option<Anchor>> {
    Ok(find_last(bus, service).await?.map(|(_, _, anchor)| anchor))
}

/// All that was told until now, oldest first; `None` when nothing was. A chain that is looked at afterwards has all of them.
///
/// # Errors
/// `UNAVAILABLE` while NATS is away; `INTERNAL` when somebody else has written into the stream.
pub async fn all(bus: &Bus, service: &str) -> Result<Option<BoxStream<'static, Result<Anchor>>>> {
    let Some((stream, last, _)) = find_last(bus, service).await? else { return Ok(None) };
    let config =
        OrderedConfig { filter_subject: bus.topology.anchor_subject(service), ..OrderedConfig::default() };
    let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
    let messages = consumer.messages().await.map_err(unavailable)?;
    // Nothing comes after the last: who asked for more would wait for ever.
    let until_last = futures::stream::unfold(Some(messages), move |messages| async move {
        let mut messages = messages?;
        let message = messages.next().await?.map_err(unavailable);
        let place = message
            .as_ref()
            .ok()
            .and_then(|message| message.info().ok())
            .map_or(last, |info| info.stream_sequence);
        let anchor = message.and_then(|message| read(message.headers.as_ref()));
        Some((anchor, (place < last).then_some(messages)))
    });
    Ok(Some(until_last.boxed()))
}

/// The stream, the last place in it that is this service's, and what stands there.
async fn find_last(bus: &Bus, service: &str) -> Result<Option<(Stream, u64, Anchor)>> {
    let stream = match bus.jetstream.get_stream(bus.topology.anchor_stream()).await {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Ok(None)
                }
                _ => Err(unavailable(error)),
            };
        }
    };
    match stream.get_last_raw_message_by_subject(&bus.topology.anchor_subject(service)).await {
        Ok(message) => {
            let anchor = read(Some(&message.headers))?;
            Ok(Some((stream, message.sequence, anchor)))
        }
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

fn read(headers: Option<&HeaderMap>) -> Result<Anchor> {
    let anchor = || {
        let headers = headers?;
        let link = headers.get(LINK)?.as_str().parse().ok()?;
        let hash = hex::decode(headers.get(HASH)?.as_str()).ok()?;
        Some(Anchor { link, hash })
    };
    anchor().ok_or_else(|| Error::internal("the stream of the audit logs' ends has something else in it"))
}
