//! Consumers: each event has its effect once, however often it comes.
//!
//! A consumer is durable and shared by all replicas of its service. Its effects and the event's id (the inbox) commit in
//! one transaction; an event whose id is there already is only acknowledged. Events are handled in batches, one
//! transaction each, in which they have their effects one by one ([`Handler`]) or all at once ([`Projection`]); when one
//! of a batch fails, the batch is taken apart and each event stands alone.
//!
//! What fails is tried again after growing delays. Trouble that passes by itself (the database or a peer is away) is
//! tried for as long as it takes; anything else ends in the dead letters, and holds up nobody.

mod batch;
mod durable;
mod on_disk;
mod pull;

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::Error;
use prost::Name;
use sqlx::PgConnection;

use crate::{Received, topology};
pub use pull::Consumer;

/// What a consumer does with an event.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Applies an event's effects through `tx`; the caller writes the inbox and commits. Must tolerate disorder between
    /// aggregates, and compare versions within one.
    ///
    /// # Errors
    /// [`HandleError::Retry`] to be asked again later, [`HandleError::Permanent`] when that would not help.
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError>;
}

/// A projection: what a consumer does with all events of a batch at once, in tables that nobody else writes. It tells no
/// events of its own: its commits do not wait for the disk, so a crash may take effects back before the event comes again.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Applies the effects of one event or more through `tx`: those that the events would have one by one, in any order. No
    /// event is there twice, and none that had its effects before; but several may be about the same thing, and a
    /// statement must not touch a row twice.
    ///
    /// # Errors
    /// As of [`Handler::handle`]. Nothing is kept then, and each event comes again, alone.
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError>;
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// May work later. Trouble that passes by itself is tried for as long as it takes, other trouble a few times.
    #[error("{0}")]
    Retry(#[source] Error),
    /// Will never work: to the dead letters at once.
    #[error("{0}")]
    Permanent(#[source] Error),
}

impl HandleError {
    /// What went wrong.
    pub fn error(&self) -> &Error {
        match self {
            Self::Retry(error) | Self::Permanent(error) => error,
        }
    }
}

impl From<Error> for HandleError {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

impl From<sqlx::Error> for HandleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(error.into())
    }
}

/// A peer that was asked while handling: whether it may work later, its code says.
impl From<tonic::Status> for HandleError {
    fn from(status: tonic::Status) -> Self {
        use tonic::Code;
        match status.code() {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled => {
                let delay = std::time::Duration::from_secs(1);
                Self::Retry(
                    Error::unavailable("PEER_AWAY", "a peer does not answer now", delay).with_source(status),
                )
            }
            _ => Self::Retry(Error::internal(status)),
        }
    }
}

/// What a consumer listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One type of event.
    Event(String),
    /// Everything that a service tells.
    Service(&'static str),
}

impl Source {
    /// One type of event.
    pub fn event<M: Name>() -> Self {
        Self::Event(M::full_name())
    }

    /// The service that tells it; `None` when the event is not one of ours.
    pub(crate) fn service_name(&self) -> Option<&str> {
        match self {
            Self::Event(event_type) => topology::service_of(event_type),
            Self::Service(name) => Some(name),
        }
    }

    /// Everything that a service tells.
    pub fn service(name: &'static str) -> Self {
        Self::Service(name)
    }
}

/// How the events of a batch have their effects.
#[derive(Clone)]
pub(crate) enum Effects {
    OneByOne(Arc<dyn Handler>),
    Projection(Arc<dyn Projection>),
}

/// A consumer as a service declares it.
#[derive(Clone)]
pub struct ConsumerSpec {
    pub(crate) purpose: &'static str,
    pub(crate) sources: Vec<Source>,
    pub(crate) effects: Effects,
}

impl std::fmt::Debug for ConsumerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsumerSpec")
            .field("purpose", &self.purpose)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl ConsumerSpec {
    /// A consumer for one purpose. The purpose is part of the durable's name: renaming it starts from the first event. A
    /// source that is added is heard from then on.
    pub fn new(purpose: &'static str, sources: &[Source], handler: Arc<dyn Handler>) -> Self {
        Self { purpose, sources: sources.to_vec(), effects: Effects::OneByOne(handler) }
    }

    /// The same, for a projection.
    pub fn projection(purpose: &'static str, sources: &[Source], handler: Arc<dyn Projection>) -> Self {
        Self { purpose, sources: sources.to_vec(), effects: Effects::Projection(handler) }
    }

    /// The purpose.
    pub fn purpose(&self) -> &'static str {
        self.purpose
    }
}
