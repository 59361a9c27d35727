//! Acknowledging a projection's events once their effects are on the disk.
//!
//! A projection commits without waiting for the disk: it has nothing to tell, so nobody builds on an effect that a crash of
//! Postgres could take back, and writers whom somebody waits for need not share the disk with it. What JetStream was told is
//! never taken back, however. So an event is acknowledged only after a later commit has waited for the disk, and only if
//! its id is still in the inbox then.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_nats::jetstream::{AckKind, Message};
use foursight_kernel::Result;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Consumer, batch};

/// How long events gather before one wait for the disk serves them all. Long enough that the waits are few beside those of
/// writers, short enough that nobody who watches the backlog takes notice.
const GATHER: Duration = Duration::from_millis(20);

/// The wait before a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// An event that has had its effects, perhaps not on the disk yet.
pub(super) struct Applied {
    pub(super) message: Message,
    pub(super) event: Uuid,
    /// The connection that the event came by.
    pub(super) connection: u64,
}

/// Acknowledges what comes through `applied` until its senders are gone.
pub(super) async fn acknowledge(
    consumer: Arc<Consumer>,
    mut applied: mpsc::UnboundedReceiver<Applied>,
    stop: CancellationToken,
) {
    let durable = consumer.durable();
    while let Some(first) = applied.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut gathered = vec![first];
        while let Ok(next) = applied.try_recv() {
            gathered.push(next);
        }
        let ids: Vec<Uuid> = gathered.iter().map(|applied| applied.event).collect();
        let safe = loop {
            match on_disk(&consumer, &durable, &ids).await {
                Ok(safe) => break safe,
                // Not acknowledged, they come again.
                Err(_) if stop.is_cancelled() => return,
                Err(error) => {
                    tracing::warn!(consumer = durable, error = ?error, "events wait for the database to be on its disk");
                    for Applied { message, .. } in &gathered {
                        batch::acknowledge(message, AckKind::Progress).await;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        for Applied { message, event, connection } in gathered {
            if safe.contains(&event) {
                batch::done(&consumer, &message, connection).await;
            } else {
                batch::acknowledge(&message, AckKind::Nak(None)).await;
            }
        }
    }
}

/// Which of these events are in the inbox, once that is on the disk. The log entry makes the commit one that waits; all
/// commits before it have been written by then, too.
async fn on_disk(consumer: &Consumer, durable: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let begin = "BEGIN; SET LOCAL foursight.reach = '*'; SET LOCAL synchronous_commit = on";
    let mut tx = consumer.pool.begin(begin).await?;
    let kept: Vec<Uuid> = sqlx::query_scalar(
        "WITH written AS MATERIALIZED (SELECT pg_logical_emit_message(true, 'foursight', ''))
         SELECT event_id FROM inbox, written WHERE consumer = $1 AND event_id = ANY ($2)",
    )
    .bind(durable)
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(kept.into_iter().collect())
}
