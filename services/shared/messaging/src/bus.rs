//! The connection to JetStream, with our names.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_nats::{
    ConnectOptions, Event, ServerAddr,
    jetstream::{
        self, ErrorCode,
        context::{ConsumerInfoErrorKind, ContextBuilder},
        stream::{ConsumerError, ConsumerErrorKind, RawMessageErrorKind},
    },
};
use foursight_kernel::{Error, Result};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::watch;

use crate::{
    Received, Source,
    outbox::PastEvent,
    relay,
    topology::{PUBLISHERS, Topology},
};

/// How long one request to JetStream may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// How many events are read at once when a whole stream is.
const READ_AHEAD: usize = 64;

/// The connection. Cheap to clone; it reconnects by itself for as long as it lives.
#[derive(Clone)]
pub struct Bus {
    pub(crate) jetstream: jetstream::Context,
    pub(crate) topology: Topology,
    /// How many times the connection was made: when it changes, the server may have come back with less than it had.
    connections: Arc<watch::Sender<u64>>,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("topology", &self.topology).finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects. The first connection may come later, too: a service starts while NATS is away.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the URL cannot be used at all.
    pub async fn connect(url: &str, name: &str, topology: Topology) -> Result<Self> {
        let connections = Arc::new(watch::Sender::new(0));
        let counter = connections.clone();
        // The client takes credentials from its options only, never from the address.
        let address: ServerAddr = url.parse().map_err(unavailable)?;
        let options = match (address.username(), address.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
            _ => ConnectOptions::new(),
        };
        let client = options
            .name(name)
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempt| Duration::from_millis((50 << attempt.min(5)).min(1000)))
            .ping_interval(Duration::from_secs(5))
            .request_timeout(Some(TIMEOUT))
            .event_callback(move |event| {
                let counter = counter.clone();
                async move {
                    match event {
                        Event::Connected => {
                            counter.send_modify(|count| *count += 1);
                        }
                        Event::Disconnected => {
                            tracing::warn!("the connection to nats is lost; it is being made again");
                        }
                        other => {
                            tracing::debug!(event = %other, "nats connection");
                        }
                    }
                }
            })
            .connect(address)
            .await
            .map_err(unavailable)?;
        let jetstream = ContextBuilder::new().timeout(TIMEOUT).max_ack_inflight(20_000).build(client);
        Ok(Self { jetstream, topology, connections })
    }

    /// The names in use.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Changes whenever the connection was made again.
    pub(crate) fn connection(&self) -> u64 {
        *self.connections.borrow()
    }

    /// Comes back when the connection is another than this one.
    pub(crate) async fn connection_other_than(&self, connection: u64) {
        // The sender lives as long as we do.
        let _ = self.connections.subscribe().wait_for(|current| *current != connection).await;
    }

    /// Makes the streams that are not there yet. Called by whoever publishes or consumes, before it does.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn ensure_streams(&self) -> Result<()> {
        for service in PUBLISHERS {
            let config = self.topology.stream_config(service);
            self.jetstream.get_or_create_stream(config).await.map_err(unavailable)?;
        }
        for config in [self.topology.dead_letter_config(), self.topology.anchor_config()] {
            self.jetstream.get_or_create_stream(config).await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// How many events consumers have not dealt with yet, over all streams: waiting, or given out and not acknowledged.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn backlog(&self) -> Result<u64> {
        let mut waiting = 0;
        for service in PUBLISHERS {
            let stream =
                self.jetstream.get_stream(self.topology.stream(service)).await.map_err(unavailable)?;
            let consumers: Vec<_> = stream.consumers().try_collect().await.map_err(unavailable)?;
            for consumer in consumers {
                waiting += consumer.num_pending + consumer.num_ack_pending as u64;
            }
        }
        Ok(waiting)
    }

    /// Whether consumers are there, each given by the stream's service and its own name: those that are not have everything
    /// before them, which [`Bus::backlog`] cannot count.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn has_consumers(&self, places: &[(String, String)]) -> Result<bool> {
        for (service, durable) in places {
            let stream =
                self.jetstream.get_stream(self.topology.stream(service)).await.map_err(unavailable)?;
            match stream.consumer_info(durable).await {
                Ok(_) => {}
                Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(true)
    }

    /// Takes a durable away from every stream of these sources: whoever makes it again hears everything from the first event on.
    /// For a consumer that does not run.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn forget_consumer(&self, sources: &[Source], durable: &str) -> Result<()> {
        let services = sources.iter().filter_map(Source::service_name).collect::<BTreeSet<_>>();
        for service in services {
            let stream =
                self.jetstream.get_stream(self.topology.stream(service)).await.map_err(unavailable)?;
            match stream.delete_consumer(durable).await {
                Ok(_) => {}
                // It was never made, or is gone already.
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(())
    }

    /// Every event that a service's stream keeps, in order: for rebuilding a projection, and for tests.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn history(&self, service: &str) -> Result<Vec<Received>> {
        let mut events = Vec::new();
        self.look_through(service, |event| events.push(event)).await?;
        Ok(events)
    }

    /// Shows every event that a service's stream keeps, in order, whatever their number.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away.
    pub async fn look_through(&self, service: &str, mut look: impl FnMut(Received)) -> Result<()> {
        let stream = self.jetstream.get_stream(self.topology.stream(service)).await.map_err(unavailable)?;
        let state = stream.get_info().await.map_err(unavailable)?.state;
        let places = state.first_sequence.max(1)..=state.last_sequence;
        let stream = &stream;
        let read = |place| async move {
            match stream.get_raw_message(place).await {
                // What was not written as we write it is not an event.
                Ok(raw) => Ok(Received::read(Some(&raw.headers), raw.payload).ok()),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                Err(error) => Err(unavailable(error)),
            }
        };
        let mut events = std::pin::pin!(futures::stream::iter(places).map(read).buffered(READ_AHEAD));
        while let Some(event) = events.try_next().await? {
            if let Some(event) = event {
                look(event);
            }
        }
        Ok(())
    }

    /// Tells an event in a service's name without its outbox: for tools, and for tests of one service alone.
    ///
    /// # Errors
    /// `UNAVAILABLE` while NATS is away, `INTERNAL` when the event is of no known type.
    pub async fn tell(&self, service: &str, event: PastEvent) -> Result<()> {
        self.ensure_streams().await?;
        let (published, trouble) = relay::publish::publish(self, service, vec![event.into()]).await;
        match trouble {
            Some(error) => Err(error),
            None if published.is_empty() => Err(Error::internal("an event of no known type")),
            None => Ok(()),
        }
    }

    /// Whether NATS answers now.
    pub fn is_connected(&self) -> bool {
        self.jetstream.client().connection_state() == async_nats::connection::State::Connected
    }
}

/// Whether JetStream knows no such consumer.
fn is_unknown(error: &ConsumerError) -> bool {
    matches!(error.kind(), ConsumerErrorKind::JetStream(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

/// NATS is away or does not answer in time.
pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(
        "EVENTS_AWAY",
        "the event stream does not answer now; try again",
        Duration::from_secs(1),
    )
    .with_source(error)
}
