//! The relay: takes events out of a service's outbox and publishes them.
//!
//! Woken by each commit of its own process, with a poll as the safety net for commits of others and for events that were
//! left behind by a crash. (Not by Postgres' NOTIFY: a commit that notifies holds a lock of the whole database while it
//! waits for the disk, so that writers would wait for each other.) Several relays share the work without doubling: each
//! locks the rows that it takes, and skips what another has locked.
//!
//! An event is published at least once: after a crash between publishing and marking, again. JetStream drops repeats by
//! the message id for some minutes, consumers drop them for good by their inbox.

mod mend;
pub(crate) mod publish;

use std::{sync::Arc, time::Duration};

use foursight_database::Pool;
use foursight_kernel::{Result, SharedClock};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::Bus;

/// How often the outbox is looked at when nobody woke the relay.
const POLL: Duration = Duration::from_millis(200);

/// The least time from one turn to the next: what commits meanwhile goes out together, and is heard together. An event after a
/// quiet moment waits for nothing.
const PACE: Duration = Duration::from_millis(6);

/// So many events in one turn are worth the pace. While there are several times as many, turns are as many times rarer: who writes
/// that much shares the machine with them, and who waits does not notice.
const WORTH: usize = 4;

/// So many times rarer at the most.
const RARER: u32 = 4;

/// How many events are published in one go.
const BATCH: usize = 1_000;

/// The longest wait after a failure.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// Wakes the relay of this process after a commit.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Tells the relay that something may be in the outbox.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// The relay of one service.
pub struct Relay {
    /// The service's name.
    pub service: &'static str,
    /// Connections with the service's own role and search path.
    pub pool: Pool,
    /// Where to publish.
    pub bus: Bus,
    /// Tells when an event was published.
    pub clock: SharedClock,
    /// Rung after each commit.
    pub wake: Wake,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Relay {
    /// Publishes until it is told to stop, and what is in the outbox then, if NATS takes it.
    pub async fn run(self, stop: CancellationToken) {
        let mut mended_for = 0;
        let mut delay = Duration::ZERO;
        loop {
            let stopping = stop.is_cancelled();
            // The client would keep what is published now and send it later, before anybody has looked at the stream.
            if !self.bus.is_connected() {
                if stopping {
                    return;
                }
                tokio::select! {
                    () = self.bus.connection_other_than(self.bus.connection()) => {}
                    () = tokio::time::sleep(POLL) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
            let began = Instant::now();
            let outcome = self.turn(&mut mended_for).await;
            let published = *outcome.as_ref().unwrap_or(&0);
            match outcome {
                // A full batch, or one that is to be published again: there may be more.
                Ok(published) if published == BATCH => {
                    delay = Duration::ZERO;
                    continue;
                }
                Ok(_) => delay = Duration::ZERO,
                Err(error) => {
                    delay = (delay * 2).clamp(Duration::from_millis(50), MAX_DELAY);
                    tracing::warn!(service = self.service, error = ?error, "events wait in the outbox");
                }
            }
            if stopping {
                return;
            }
            if delay.is_zero() {
                if published > 0 {
                    tokio::select! {
                        () = tokio::time::sleep_until(began + pace(published)) => {}
                        () = stop.cancelled() => {}
                    }
                }
                tokio::select! {
                    () = self.wake.0.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                    () = stop.cancelled() => {}
                }
            } else {
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// One turn: mends the stream if the connection is a new one or the last turn met trouble, then publishes a batch.
    async fn turn(&self, mended_for: &mut u64) -> Result<usize> {
        let connection = self.bus.connection();
        if std::mem::take(mended_for) != connection || connection == 0 {
            mend::mend(self, None).await?;
        }
        let published = self.publish_batch().await?;
        *mended_for = connection;
        Ok(published)
    }

    async fn publish_batch(&self) -> Result<usize> {
        // A mark that is lost in a crash of Postgres means that the event is published again, which is harmless: not worth
        // a wait for the disk.
        let mut tx = self.pool.begin("BEGIN; SET LOCAL synchronous_commit = off").await?;
        let rows = publish::take(&mut tx, BATCH).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let taken = rows.len();
        let (published, trouble) = publish::publish(&self.bus, self.service, rows).await;
        if let Some(place) = publish::mark(&mut tx, published, self.clock.now()).await? {
            // Nothing is marked, so that whoever comes after a crash sees it, too; JetStream knows the repeats.
            tx.rollback().await?;
            mend::mend(self, Some(place - 1)).await?;
            return Ok(BATCH);
        }
        tx.commit().await?;
        match trouble {
            Some(error) => Err(error),
            None => Ok(taken),
        }
    }
}

/// The least time from the turn that published so many events to the next.
fn pace(published: usize) -> Duration {
    PACE * u32::try_from(published / WORTH).unwrap_or(RARER).clamp(1, RARER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pace_has_bounds_and_more_events_never_make_it_quicker(fewer in 0..=BATCH, more in 0..=BATCH) {
            let (fewer, more) = (fewer.min(more), fewer.max(more));
            prop_assert!(pace(fewer) <= pace(more), "{fewer}: {:?}, {more}: {:?}", pace(fewer), pace(more));
            prop_assert!((PACE..=PACE * RARER).contains(&pace(more)), "{more}: {:?}", pace(more));
        }
    }

    #[test]
    fn the_pace_is_the_least_while_little_is_told_and_four_times_that_when_much_is() {
        let slowest = WORTH * 4;
        for few in 0..WORTH * 2 {
            assert_eq!(pace(few), PACE, "{few}");
        }
        assert_eq!(pace(WORTH * 2), PACE * 2);
        assert_eq!(pace(slowest - 1), PACE * 3);
        for many in [slowest, BATCH, usize::MAX] {
            assert_eq!(pace(many), PACE * 4, "{many}");
        }
    }
}
