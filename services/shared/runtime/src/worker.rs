//! What a role does by itself, again and again, on one replica at a time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::Result;
use tokio_util::sync::CancellationToken;

use crate::Database;

/// One round of a worker's work. It must be safe to be ended at any point and to be run again.
#[async_trait]
pub trait Tick: Send + Sync + 'static {
    /// Does what there is to do now.
    ///
    /// # Errors
    /// Logged; the next round comes all the same.
    async fn tick(&self) -> Result<()>;
}

/// A worker as a role declares it.
#[derive(Clone)]
pub struct Worker {
    /// Its name, unique in the role.
    pub name: &'static str,
    /// The time between two rounds.
    pub every: Duration,
    tick: Arc<dyn Tick>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).field("every", &self.every).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker that runs every so often.
    pub fn new(name: &'static str, every: Duration, tick: Arc<dyn Tick>) -> Self {
        Self { name, every, tick }
    }

    /// One round, if no other replica is at it. Returns whether it was ours to do.
    ///
    /// # Errors
    /// What the round answers, or `UNAVAILABLE` while the database is away.
    pub async fn round(&self, service: &str, db: &Database) -> Result<bool> {
        // Held by an otherwise idle transaction, so that a replica that dies lets go at once.
        let mut lock = db.begin_as_service().await?;
        let ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext($1), hashtext($2))")
            .bind(service)
            .bind(self.name)
            .fetch_one(&mut *lock)
            .await?;
        if ours {
            self.tick.tick().await?;
        }
        lock.rollback().await?;
        Ok(ours)
    }

    /// Runs rounds until it is told to stop; a round in hand is finished. It begins after a while, each worker of a role after another
    /// one, since a round takes two connections, and requests come at once.
    pub(crate) async fn run(
        self,
        service: &'static str,
        db: Database,
        after: Duration,
        stop: CancellationToken,
    ) {
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = stop.cancelled() => return,
        }
        loop {
            if let Err(error) = self.round(service, &db).await {
                tracing::warn!(service, worker = self.name, error = ?error, "a worker's round failed; the next one comes");
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
