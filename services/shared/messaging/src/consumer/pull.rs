//! Pulling events of one stream, and keeping at it while NATS comes and goes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_nats::jetstream::{AckKind, Message, consumer::pull};
use foursight_database::Pool;
use foursight_kernel::Result;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    ConsumerSpec, Effects, Source,
    batch::{self, Batch},
    durable::get_or_widen,
    on_disk::{self, Applied},
};
use crate::{Bus, bus::unavailable, relay::Wake, topology};

/// How many events are handled in one transaction at the most.
const BATCH: usize = 128;

/// How many events JetStream may send ahead.
const PULL: usize = 512;

/// The wait before a lost consumer is looked for again.
const PAUSE: Duration = Duration::from_millis(250);

/// A running consumer of a service.
pub struct Consumer {
    /// The service that listens.
    pub service: &'static str,
    /// What for, to what, and what then.
    pub spec: ConsumerSpec,
    /// Connections with the service's own role and search path; transactions on it reach the whole group.
    pub pool: Pool,
    /// Where to listen.
    pub bus: Bus,
    /// Rung after each commit: effects may have written events of their own.
    pub wake: Wake,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("service", &self.service)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl Consumer {
    /// Handles events until it is told to stop; the batch in hand is finished first.
    pub async fn run(self, stop: CancellationToken) {
        let consumer = Arc::new(self);
        let (applied, gathered) = mpsc::unbounded_channel();
        let streams = consumer.filters().into_iter().map(|(service, filters)| {
            let (consumer, applied, stop) = (consumer.clone(), applied.clone(), stop.clone());
            async move { consumer.run_stream(&service, filters, &applied, &stop).await }
        });
        let streams: Vec<_> = streams.collect();
        // The streams' own clones are the last: with them, what is gathered comes to its end.
        drop(applied);
        let acknowledging = on_disk::acknowledge(consumer.clone(), gathered, stop.clone());
        futures::future::join(futures::future::join_all(streams), acknowledging).await;
    }

    /// The durable's name.
    pub fn durable(&self) -> String {
        topology::durable(self.service, self.spec.purpose)
    }

    /// The streams that it listens to, each by its service, and its name there.
    pub fn places(&self) -> Vec<(String, String)> {
        self.filters().into_keys().map(|service| (service, self.durable())).collect()
    }

    /// Whether its effects stay in its own tables, and nobody builds on them.
    pub(super) fn is_projection(&self) -> bool {
        matches!(self.spec.effects, Effects::Projection(_))
    }

    /// Which subjects of which service's stream.
    fn filters(&self) -> BTreeMap<String, Vec<String>> {
        let topology = self.bus.topology();
        let mut filters = BTreeMap::<String, Vec<String>>::new();
        for source in &self.spec.sources {
            match source {
                Source::Service(service) => {
                    filters.entry((*service).to_owned()).or_default().push(topology.service_filter(service));
                }
                Source::Event(event_type) => {
                    let place = topology::service_of(event_type).zip(topology.event_filter(event_type));
                    if let Some((service, filter)) = place {
                        filters.entry(service.to_owned()).or_default().push(filter);
                    } else {
                        tracing::error!(event_type, "a consumer listens to what is no event");
                    }
                }
            }
        }
        filters
    }

    async fn run_stream(
        &self,
        service: &str,
        filters: Vec<String>,
        applied: &mpsc::UnboundedSender<Applied>,
        stop: &CancellationToken,
    ) {
        while !stop.is_cancelled() {
            if let Err(error) = self.pull(service, &filters, applied, stop).await {
                tracing::warn!(consumer = self.durable(), stream = service, error = ?error, "the consumer starts again");
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Pulls until the subscription breaks: because the connection is a new one, or because the consumer was set back.
    async fn pull(
        &self,
        service: &str,
        filters: &[String],
        applied: &mpsc::UnboundedSender<Applied>,
        stop: &CancellationToken,
    ) -> Result<()> {
        let connection = self.bus.connection();
        self.bus.ensure_streams().await?;
        let durable = self.durable();
        let stream =
            self.bus.jetstream.get_stream(self.bus.topology.stream(service)).await.map_err(unavailable)?;
        let config = self.bus.topology.consumer_config(&durable, filters.to_vec());
        let consumer = get_or_widen(&stream, &durable, config).await?;
        let mut messages: pull::Stream = consumer
            .stream()
            .max_messages_per_batch(PULL)
            .heartbeat(Duration::from_secs(5))
            .expires(Duration::from_secs(30))
            .messages()
            .await
            .map_err(unavailable)?;
        let batch = Batch { consumer: self, durable: &durable, filters, connection, applied, stop };
        loop {
            let first = tokio::select! {
                message = messages.next() => message,
                () = self.bus.connection_other_than(connection) => break,
                () = stop.cancelled() => break,
            };
            let Some(first) = first else { return Ok(()) };
            let mut taken: Vec<Message> = vec![first.map_err(unavailable)?];
            let mut trouble = None;
            // Whatever has arrived already goes along; nothing is waited for.
            while taken.len() < BATCH {
                match messages.next().now_or_never() {
                    Some(Some(Ok(message))) => taken.push(message),
                    Some(Some(Err(error))) => {
                        trouble = Some(unavailable(error));
                        break;
                    }
                    Some(None) | None => break,
                }
            }
            batch.handle(taken).await;
            if let Some(error) = trouble {
                return Err(error);
            }
        }
        // What was sent ahead need not wait until JetStream gives up on us.
        while let Some(Some(Ok(message))) = messages.next().now_or_never() {
            batch::acknowledge(&message, AckKind::Nak(None)).await;
        }
        Ok(())
    }
}
