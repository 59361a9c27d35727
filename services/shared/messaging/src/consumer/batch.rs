//! Handling a batch: one transaction for all, or one for each when one of them fails.

use std::{collections::HashSet, error::Error as _, time::Duration};

use async_nats::jetstream::{AckKind, Message};
use foursight_database::Transaction;
use foursight_kernel::{Error, Result, trace};
use sqlx::PgConnection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{Consumer, Effects, HandleError, durable::covers, on_disk::Applied};
use crate::{Received, dead_letters};

/// How often an event is tried when the trouble is not one that passes by itself.
const TRIES: i64 = 5;

/// The longest wait between two tries.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// How often an event that this release does not listen to is given back: for some ten minutes a release that does may take
/// it, and if none does, nobody wants it any more.
const TIMES_GIVEN_BACK: i64 = 60;

/// The longest wait for the database.
const MAX_DATABASE_DELAY: Duration = Duration::from_secs(2);

pub(super) struct Batch<'a> {
    pub(super) consumer: &'a Consumer,
    pub(super) durable: &'a str,
    /// What this release listens to; the durable may hear more.
    pub(super) filters: &'a [String],
    /// The connection that the events came by.
    pub(super) connection: u64,
    /// Where a projection's events go once they have had their effects.
    pub(super) applied: &'a mpsc::UnboundedSender<Applied>,
    pub(super) stop: &'a CancellationToken,
}

impl Batch<'_> {
    /// Handles messages and tells JetStream what became of each.
    pub(super) async fn handle(&self, messages: Vec<Message>) {
        let mut events = Vec::with_capacity(messages.len());
        for message in messages {
            if dead_letters::is_for_another(&message, self.durable) {
                self.done(&message).await;
                continue;
            }
            if !self.filters.iter().any(|filter| covers(filter, &message.subject)) {
                self.give_back(&message).await;
                continue;
            }
            match Received::read(message.headers.as_ref(), message.payload.clone()) {
                Ok(event) => events.push((message, event)),
                Err(error) => self.bury(&message, "MALFORMED_ENVELOPE", &error.to_string()).await,
            }
        }
        if events.is_empty() {
            return;
        }
        let Some(outcome) = self.apply_when_the_database_answers(&events).await else { return };
        let apart = outcome.is_err();
        for event in events {
            if apart {
                self.handle_alone(event).await;
            } else {
                self.applied(event).await;
            }
        }
    }

    async fn give_back(&self, message: &Message) {
        let tries = tries(message);
        if tries > TIMES_GIVEN_BACK {
            return self.done(message).await;
        }
        acknowledge(message, AckKind::Nak(Some(delay(tries)))).await;
    }

    /// Acknowledges an event that has had its effects; a projection's later, when they are on the disk.
    async fn applied(&self, (message, event): (Message, Received)) {
        if !self.consumer.is_projection() {
            return self.done(&message).await;
        }
        let applied = Applied { message, event: event.id, connection: self.connection };
        // The other end stays until this one is gone; if not, the event comes again.
        let _ = self.applied.send(applied);
    }

    async fn handle_alone(&self, pair: (Message, Received)) {
        let error = match self.apply_when_the_database_answers(std::slice::from_ref(&pair)).await {
            None => return,
            Some(Ok(())) => return self.applied(pair).await,
            Some(Err(error)) => error,
        };
        let (message, event) = &pair;
        let tries = tries(message);
        let passing = matches!(&error, HandleError::Retry(cause) if cause.is_transient());
        if passing || (matches!(error, HandleError::Retry(_)) && tries < TRIES) {
            let delay = delay(tries);
            tracing::warn!(
                consumer = self.durable, event_id = %event.id, event_type = event.event_type, tries,
                reason = error.error().reason(), error = explanation(error.error()), "the event is tried again"
            );
            acknowledge(message, AckKind::Nak(Some(delay))).await;
            return;
        }
        tracing::error!(
            consumer = self.durable, event_id = %event.id, event_type = event.event_type, tries,
            reason = error.error().reason(), error = explanation(error.error()), "the event goes to the dead letters"
        );
        self.bury(message, error.error().reason(), &explanation(error.error())).await;
    }

    /// While the database is away nothing else could be done, so the events wait here, and JetStream is told that they are
    /// in work. `None` when the stop came before the database did.
    async fn apply_when_the_database_answers(
        &self,
        events: &[(Message, Received)],
    ) -> Option<Result<(), HandleError>> {
        let mut delay = Duration::from_millis(50);
        loop {
            let error = match self.apply(events.iter().map(|(_, event)| event)).await {
                Err(error) if error.error().reason() == "DATABASE_AWAY" => error,
                outcome => return Some(outcome),
            };
            tracing::warn!(
                consumer = self.durable,
                error = explanation(error.error()),
                "events wait for the database"
            );
            for (message, _) in events {
                acknowledge(message, AckKind::Progress).await;
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.stop.cancelled() => return None,
            }
            delay = (delay * 2).min(MAX_DATABASE_DELAY);
        }
    }

    /// Applies the events that were not applied before, and remembers them, all or none.
    async fn apply(&self, events: impl Iterator<Item = &Received> + Clone + Send) -> Result<(), HandleError> {
        let mut tx = self.begin().await?;
        let mut ids: Vec<Uuid> = events.clone().map(|event| event.id).collect();
        // In one order, so that two replicas that were given the same events never wait for each other in a ring.
        ids.sort_unstable();
        let fresh: Vec<Uuid> = sqlx::query_scalar(
            "INSERT INTO inbox (consumer, event_id) SELECT $1, id FROM unnest($2::uuid[]) AS e (id)
             ON CONFLICT DO NOTHING RETURNING event_id",
        )
        .bind(self.durable)
        .bind(ids)
        .fetch_all(&mut *tx)
        .await?;
        let mut fresh: HashSet<Uuid> = fresh.into_iter().collect();
        // Removed, so that an event that stands twice in the batch is handled once.
        let fresh: Vec<&Received> = events.filter(|event| fresh.remove(&event.id)).collect();
        self.have_effects(&mut tx, &fresh).await?;
        tx.commit().await?;
        // A projection tells nothing: there is nothing for the relay.
        if !self.consumer.is_projection() {
            self.consumer.wake.wake();
        }
        Ok(())
    }

    async fn have_effects(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        match &self.consumer.spec.effects {
            Effects::OneByOne(handler) => {
                for event in events {
                    handler.handle(tx, event).instrument(self.span(event)).await?;
                }
                Ok(())
            }
            Effects::Projection(_) if events.is_empty() => Ok(()),
            Effects::Projection(handler) => {
                // Open as long as the batch takes: each event's own trace shows when it was handled. Only what is done for
                // one event alone can stand below it there.
                let spans: Vec<Span> = events.iter().map(|event| self.span(event)).collect();
                let around = if let [alone] = spans.as_slice() { alone.clone() } else { Span::none() };
                handler.handle_all(tx, events).instrument(around).await
            }
        }
    }

    /// The handling of an event, in the trace that the event happened in.
    fn span(&self, event: &Received) -> Span {
        trace::span_in(event.traceparent.as_deref(), |trace_id| {
            let (consumer, event_type) = (self.durable, &event.event_type);
            tracing::info_span!("handle event", consumer, event_type, trace_id)
        })
    }

    async fn done(&self, message: &Message) {
        done(self.consumer, message, self.connection).await;
    }

    async fn begin(&self) -> Result<Transaction> {
        let begin = if self.consumer.is_projection() {
            "BEGIN; SET LOCAL foursight.reach = '*'; SET LOCAL synchronous_commit = off"
        } else {
            "BEGIN; SET LOCAL foursight.reach = '*'"
        };
        self.consumer.pool.begin(begin).await
    }

    /// Puts a message to the dead letters; only when it is safe there, it is done with here.
    async fn bury(&self, message: &Message, reason: &str, explanation: &str) {
        match dead_letters::bury(&self.consumer.bus, self.durable, message, reason, explanation).await {
            Ok(()) => self.done(message).await,
            Err(error) => {
                tracing::warn!(consumer = self.durable, error = ?error, "the dead letter could not be written; later again");
                acknowledge(message, AckKind::Nak(Some(MAX_DELAY))).await;
            }
        }
    }
}

/// How often a message was given out, this time included.
fn tries(message: &Message) -> i64 {
    message.info().map_or(1, |info| info.delivered)
}

/// 0.1 s, 0.4 s, 1.6 s, 6.4 s, then 10 s.
fn delay(tries: i64) -> Duration {
    let exponent = u32::try_from(tries.clamp(1, 5) - 1).unwrap_or(0);
    (Duration::from_millis(100) * 4_u32.pow(exponent)).min(MAX_DELAY)
}

/// An error with what is behind it, for who reads logs and dead letters. Not its debug form: that of a database error shows
/// the row that was refused.
fn explanation(error: &Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        behind = cause.source();
    }
    text
}

/// Tells JetStream that an event is done with. An acknowledgement names a place in the stream; behind a new connection
/// another event may stand there. So the event is asked for again, and the inbox knows it.
pub(super) async fn done(consumer: &Consumer, message: &Message, connection: u64) {
    let same = consumer.bus.connection() == connection;
    acknowledge(message, if same { AckKind::Ack } else { AckKind::Nak(None) }).await;
}

/// A lost acknowledgement means that the event comes again, and the inbox knows it.
pub(super) async fn acknowledge(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement was lost");
    }
}
