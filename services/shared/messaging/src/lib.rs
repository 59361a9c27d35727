//! Events: how a service tells the others what happened, and hears what they tell. The only place that knows NATS.
//!
//! A change and its event commit together ([`outbox`]); a relay publishes what is in the outbox ([`relay`]); consumers
//! handle events so that each has its effect once, however often it comes ([`consumer`]); what cannot be handled goes to
//! the dead letters with its reason ([`dead_letters`]). [`anchors`] keep how far the audit logs were. Streams, subjects and names are declared in [`topology`].

pub mod anchors;
pub mod bus;
pub mod consumer;
pub mod dead_letters;
pub mod envelope;
pub mod outbox;
pub mod relay;
pub mod topology;

pub use bus::Bus;
pub use consumer::{ConsumerSpec, HandleError, Handler, Projection, Source};
pub use envelope::{NewEvent, Received};

use sqlx::migrate::Migrator;

/// The tables that stand in every service's schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
