//! Which streams there are and how they, their subjects and their consumers are called: all of it, in one place.
//!
//! | what | name |
//! |---|---|
//! | stream of a service | `{prefix}_{service}` |
//! | subject of an event | `{prefix}.{service}.{event}.{store or group}` |
//! | durable consumer | `{consuming service}_{purpose}` on each stream that it listens to |
//! | dead letters | stream `{prefix}_dead_letters`, subject `{prefix}.dead_letters.{service}.{purpose}` |
//! | ends of audit logs | stream `{prefix}_audit_anchors`, subject `{prefix}.audit_anchors.{service}` |
//!
//! The prefix is `foursight`, except in tests, where each has its own. Only a service's own relay publishes to its stream.
//! Streams keep everything: events carry ids and no personal data, and any projection can be made again from the first.

use std::time::Duration;

use async_nats::jetstream::{consumer::pull, stream};
use uuid::Uuid;

/// The services that tell something, each with a stream of its own.
pub const PUBLISHERS: [&str; 5] = ["identity", "customer", "notification", "complaint", "analytics"];

/// How long JetStream remembers message ids and drops repeats.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// The most bytes that the end of an audit log may have, headers included.
const ANCHOR_SIZE: i32 = 1_024;

/// How long a consumer may take before an event is given to another replica. What was under way when a connection or a process
/// died waits as long. Who takes longer hears it again, and finds it in the inbox.
pub const ACK_WAIT: Duration = Duration::from_secs(10);

/// The names, all with one prefix.
#[derive(Debug, Clone)]
pub struct Topology {
    prefix: String,
    replicas: usize,
}

impl Topology {
    /// Names with a prefix, and streams that are kept by so many servers (1, 3 or 5).
    pub fn new(prefix: impl Into<String>, replicas: usize) -> Self {
        Self { prefix: prefix.into(), replicas }
    }

    /// A service's stream.
    pub fn stream(&self, service: &str) -> String {
        format!("{}_{service}", self.prefix)
    }

    /// The dead letters' stream.
    pub fn dead_letter_stream(&self) -> String {
        format!("{}_dead_letters", self.prefix)
    }

    /// The subject that a consumer's dead letters go to.
    pub fn dead_letter_subject(&self, consumer: &str) -> String {
        format!("{}.dead_letters.{consumer}", self.prefix)
    }

    /// The stream of the ends of the audit logs.
    pub fn anchor_stream(&self) -> String {
        format!("{}_audit_anchors", self.prefix)
    }

    /// The subject that the ends of a service's audit log go to.
    pub fn anchor_subject(&self, service: &str) -> String {
        format!("{}.audit_anchors.{service}", self.prefix)
    }

    /// An event's subject; `None` when the type is not one of our events.
    pub fn subject(&self, event_type: &str, store: Option<Uuid>) -> Option<String> {
        let (service, event) = split(event_type)?;
        let store = store.map_or_else(|| "group".to_owned(), |store| store.to_string());
        Some(format!("{}.{service}.{event}.{store}", self.prefix))
    }

    /// The subject filter for one event type of every store.
    pub fn event_filter(&self, event_type: &str) -> Option<String> {
        let (service, event) = split(event_type)?;
        Some(format!("{}.{service}.{event}.*", self.prefix))
    }

    /// The subject filter for everything that a service tells.
    pub fn service_filter(&self, service: &str) -> String {
        format!("{}.{service}.>", self.prefix)
    }

    /// A service's stream as JetStream is asked for it.
    pub fn stream_config(&self, service: &str) -> stream::Config {
        stream::Config {
            name: self.stream(service),
            subjects: vec![self.service_filter(service)],
            duplicate_window: DUPLICATE_WINDOW,
            storage: stream::StorageType::File,
            num_replicas: self.replicas,
            allow_direct: true,
            deny_delete: true,
            ..stream::Config::default()
        }
    }

    /// The dead letters' stream as JetStream is asked for it. Letters can be taken out, once they were replayed or dropped.
    pub fn dead_letter_config(&self) -> stream::Config {
        stream::Config {
            name: self.dead_letter_stream(),
            subjects: vec![format!("{}.dead_letters.>", self.prefix)],
            duplicate_window: DUPLICATE_WINDOW,
            storage: stream::StorageType::File,
            num_replicas: self.replicas,
            ..stream::Config::default()
        }
    }

    /// The stream of the ends of the audit logs, as JetStream is asked for it. All of them are kept: the last one alone would forget
    /// that a log was longer before it was cut and went on. There are no more of them than rounds of sealing that found something,
    /// and each is small.
    pub fn anchor_config(&self) -> stream::Config {
        stream::Config {
            name: self.anchor_stream(),
            subjects: vec![self.anchor_subject("*")],
            duplicate_window: DUPLICATE_WINDOW,
            storage: stream::StorageType::File,
            num_replicas: self.replicas,
            max_message_size: ANCHOR_SIZE,
            allow_direct: true,
            deny_delete: true,
            deny_purge: true,
            ..stream::Config::default()
        }
    }

    /// A durable consumer as JetStream is asked for it, from the first event on.
    pub fn consumer_config(&self, durable: &str, filters: Vec<String>) -> pull::Config {
        pull::Config {
            durable_name: Some(durable.to_owned()),
            filter_subjects: filters,
            ack_wait: ACK_WAIT,
            // Retries are bounded by the consumer's own loop, which writes a dead letter; JetStream would drop silently.
            max_deliver: -1,
            max_ack_pending: 2_000,
            ..pull::Config::default()
        }
    }
}

/// A durable's name: who listens, and what for.
pub fn durable(service: &str, purpose: &str) -> String {
    format!("{service}_{purpose}")
}

/// The service that tells an event; `None` when the type is not one of our events.
pub fn service_of(event_type: &str) -> Option<&str> {
    split(event_type).map(|(service, _)| service)
}

/// `foursight.customer.events.v1.VehicleDelivered` is the event `vehicle_delivered` of the service `customer`.
fn split(event_type: &str) -> Option<(&str, String)> {
    let (package, event) = event_type.rsplit_once('.')?;
    let service = package.strip_prefix("foursight.")?.strip_suffix(".events.v1")?;
    let mut name = String::with_capacity(event.len() + 4);
    for (index, letter) in event.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    Some((service, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_says_service_event_and_store() {
        let topology = Topology::new("foursight", 1);
        let subject = topology.subject("foursight.customer.events.v1.VehicleDelivered", Some(Uuid::nil()));
        assert_eq!(
            subject.as_deref(),
            Some("foursight.customer.vehicle_delivered.00000000-0000-0000-0000-000000000000")
        );
        assert_eq!(topology.subject("google.protobuf.Empty", None), None);
    }
}
