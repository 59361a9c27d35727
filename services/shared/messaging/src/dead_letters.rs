//! Dead letters: events that a consumer could not handle, with the reason, until somebody replays or drops them.

use async_nats::{
    HeaderMap,
    jetstream::{
        Message,
        message::{PublishMessage, StreamMessage},
        stream::{RawMessageErrorKind, Stream},
    },
};
use foursight_kernel::{Error, Result};

use crate::{Bus, Received, bus::unavailable, envelope::header};

const CONSUMER: &str = "foursight-consumer";
const REASON: &str = "foursight-reason";
const EXPLANATION: &str = "foursight-explanation";
const SUBJECT: &str = "foursight-subject";
const TRIES: &str = "foursight-tries";
const REPLAYED_FOR: &str = "foursight-replayed-for";

/// An event that could not be handled.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its place in the dead letters' stream, by which it is shown, replayed and dropped.
    pub number: u64,
    /// The durable that could not handle it.
    pub consumer: String,
    /// The stable reason.
    pub reason: String,
    /// The reason in words.
    pub explanation: String,
    /// How often it was tried.
    pub tries: u64,
    /// Where it stood.
    pub subject: String,
    /// When it was given up, RFC 3339.
    pub buried_at: String,
    /// The event; `None` when its envelope was malformed.
    pub event: Option<Received>,
}

/// Writes a message to the dead letters.
pub(crate) async fn bury(
    bus: &Bus,
    consumer: &str,
    message: &Message,
    reason: &str,
    explanation: &str,
) -> Result<()> {
    let (tries, place) = message.info().map_or((1, 0), |info| (info.delivered, info.stream_sequence));
    let mut headers = HeaderMap::new();
    for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
        // JetStream's own headers say where the event stood in another stream; they mean something else here.
        if !name.to_string().starts_with("Nats-") {
            for value in values {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    headers.insert(CONSUMER, consumer);
    headers.insert(REASON, reason);
    headers.insert(EXPLANATION, one_line(explanation).as_str());
    headers.insert(SUBJECT, message.subject.as_str());
    headers.insert(TRIES, tries.to_string());
    let id = message.headers.as_ref().and_then(|headers| headers.get(header::ID)).map(ToString::to_string);
    let mut letter = PublishMessage::build().headers(headers).payload(message.payload.clone());
    if let Some(id) = id {
        // One letter, even if the acknowledgement is lost now; another one when the event was replayed in vain.
        letter = letter.message_id(format!("{consumer}/{id}/{place}"));
    }
    let subject = bus.topology.dead_letter_subject(consumer);
    bus.jetstream.send_publish(subject, letter).await.map_err(unavailable)?.await.map_err(unavailable)?;
    Ok(())
}

/// Whether a message is a dead letter that was put back for another consumer than this one.
pub(crate) fn is_for_another(message: &Message, consumer: &str) -> bool {
    let replayed_for = message.headers.as_ref().and_then(|headers| headers.get(REPLAYED_FOR));
    replayed_for.is_some_and(|replayed_for| replayed_for.as_str() != consumer)
}

/// The dead letters, oldest first, at most `limit`.
pub async fn list(bus: &Bus, limit: usize) -> Result<Vec<DeadLetter>> {
    let stream = stream(bus).await?;
    let state = stream.get_info().await.map_err(unavailable)?.state;
    let mut letters = Vec::new();
    // An empty stream's first place is 0, which is no place.
    let mut next = state.first_sequence.max(1);
    while letters.len() < limit && next <= state.last_sequence {
        if let Some(letter) = read(&stream, next).await? {
            letters.push(letter);
        }
        next += 1;
    }
    Ok(letters)
}

/// One dead letter.
pub async fn show(bus: &Bus, number: u64) -> Result<DeadLetter> {
    read(&stream(bus).await?, number).await?.ok_or_else(unknown)
}

/// Puts a dead letter back where it stood, for the consumer that could not handle it; the others leave it.
pub async fn replay(bus: &Bus, number: u64) -> Result<()> {
    let stream = stream(bus).await?;
    let raw = raw(&stream, number).await?.ok_or_else(unknown)?;
    let mut headers = HeaderMap::new();
    for (name, values) in raw.headers.iter() {
        if !name.to_string().starts_with("Nats-") && !name.to_string().starts_with("foursight-") {
            for value in values {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    if let Some(consumer) = raw.headers.get(CONSUMER) {
        headers.insert(REPLAYED_FOR, consumer.clone());
    }
    let subject = raw.headers.get(SUBJECT).map(ToString::to_string).ok_or_else(unknown)?;
    // Another message id than the first time, or JetStream would drop it as a repeat.
    let message = PublishMessage::build()
        .headers(headers)
        .payload(raw.payload)
        .message_id(format!("replay/{number}/{}", bus.jetstream.client().new_inbox()));
    bus.jetstream.send_publish(subject, message).await.map_err(unavailable)?.await.map_err(unavailable)?;
    drop_letter(bus, number).await
}

/// Removes a dead letter for good.
pub async fn drop_letter(bus: &Bus, number: u64) -> Result<()> {
    let stream = stream(bus).await?;
    raw(&stream, number).await?.ok_or_else(unknown)?;
    stream.delete_message(number).await.map_err(unavailable)?;
    Ok(())
}

async fn stream(bus: &Bus) -> Result<Stream> {
    bus.ensure_streams().await?;
    bus.jetstream.get_stream(bus.topology.dead_letter_stream()).await.map_err(unavailable)
}

async fn read(stream: &Stream, number: u64) -> Result<Option<DeadLetter>> {
    let Some(raw) = raw(stream, number).await? else { return Ok(None) };
    let text = |name: &str| raw.headers.get(name).map(ToString::to_string).unwrap_or_default();
    Ok(Some(DeadLetter {
        number,
        consumer: text(CONSUMER),
        reason: text(REASON),
        explanation: text(EXPLANATION),
        tries: text(TRIES).parse().unwrap_or(0),
        subject: text(SUBJECT),
        buried_at: raw.time.to_string(),
        event: Received::read(Some(&raw.headers), raw.payload.clone()).ok(),
    }))
}

async fn raw(stream: &Stream, number: u64) -> Result<Option<StreamMessage>> {
    if number == 0 {
        return Ok(None);
    }
    match stream.get_raw_message(number).await {
        Ok(raw) => Ok(Some(raw)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

fn unknown() -> Error {
    Error::not_found("DEAD_LETTER_UNKNOWN", "there is no dead letter of this number")
}

/// A header is one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
