//! The envelope: CloudEvents 1.0 in binary form over NATS. Attributes are headers, the data is the protobuf message.

use std::str::FromStr;

use async_nats::HeaderMap;
use bytes::Bytes;
use foursight_kernel::{Error, StoreId, trace};
use jiff::Timestamp;
use prost::{Message, Name};
use uuid::Uuid;

use crate::consumer::HandleError;

/// Header names: CloudEvents' own with `ce-`, and its extensions in the same manner.
pub mod header {
    /// The event's id; also JetStream's message id.
    pub const ID: &str = "ce-id";
    /// The full name of the protobuf message.
    pub const TYPE: &str = "ce-type";
    /// The service that tells it: `/customer`.
    pub const SOURCE: &str = "ce-source";
    /// Always `1.0`.
    pub const SPEC_VERSION: &str = "ce-specversion";
    /// When it happened, RFC 3339.
    pub const TIME: &str = "ce-time";
    /// The id of what it happened to.
    pub const AGGREGATE: &str = "ce-aggregate";
    /// That thing's version after it happened.
    pub const VERSION: &str = "ce-version";
    /// The store; absent for what concerns the whole group.
    pub const STORE: &str = "ce-store";
    /// W3C trace context of what caused it.
    pub const TRACEPARENT: &str = "traceparent";
}

/// An event that is about to be written to the outbox.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub(crate) event_type: String,
    pub(crate) aggregate: Uuid,
    pub(crate) version: i64,
    pub(crate) store: Option<StoreId>,
    pub(crate) payload: Vec<u8>,
    pub(crate) traceparent: Option<String>,
}

impl NewEvent {
    /// An event about an aggregate (what its version belongs to), at a store or about the whole group. It remembers the
    /// trace that it is made in.
    pub fn new<M: Message + Name>(
        payload: &M,
        aggregate: Uuid,
        version: i64,
        store: Option<StoreId>,
    ) -> Self {
        Self {
            event_type: M::full_name(),
            aggregate,
            version,
            store,
            payload: payload.encode_to_vec(),
            traceparent: trace::traceparent(),
        }
    }
}

/// An event as a consumer receives it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event's id.
    pub id: Uuid,
    /// The full name of the protobuf message.
    pub event_type: String,
    /// When it happened.
    pub time: Timestamp,
    /// What it happened to.
    pub aggregate: Uuid,
    /// That thing's version after it happened.
    pub version: i64,
    /// The store; `None` for what concerns the whole group.
    pub store: Option<StoreId>,
    /// The protobuf message.
    pub payload: Bytes,
    /// The trace that it happened in.
    pub traceparent: Option<String>,
}

impl Received {
    /// The event as `M`; `None` when it is of another type.
    ///
    /// # Errors
    /// [`HandleError::Permanent`] when it says that it is an `M` and is not.
    pub fn decode<M: Message + Name + Default>(&self) -> Result<Option<M>, HandleError> {
        if self.event_type != M::full_name() {
            return Ok(None);
        }
        let message = M::decode(self.payload.clone());
        message.map(Some).map_err(|error| HandleError::Permanent(Error::internal(error)))
    }

    /// Reads the envelope.
    pub(crate) fn read(headers: Option<&HeaderMap>, payload: Bytes) -> Result<Self, MalformedEnvelope> {
        let headers = headers.ok_or(MalformedEnvelope(header::ID))?;
        Ok(Self {
            id: parse(headers, header::ID)?,
            event_type: parse(headers, header::TYPE)?,
            time: parse(headers, header::TIME)?,
            aggregate: parse(headers, header::AGGREGATE)?,
            version: parse(headers, header::VERSION)?,
            store: match headers.get(header::STORE) {
                Some(_) => Some(StoreId::from(parse::<Uuid>(headers, header::STORE)?)),
                None => None,
            },
            payload,
            traceparent: headers.get(header::TRACEPARENT).map(|value| value.as_str().to_owned()),
        })
    }
}

/// An envelope that we did not write.
#[derive(Debug, thiserror::Error)]
#[error("the event's header {0} is absent or malformed")]
pub(crate) struct MalformedEnvelope(&'static str);

fn parse<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, MalformedEnvelope> {
    headers.get(name).and_then(|value| value.as_str().parse().ok()).ok_or(MalformedEnvelope(name))
}
