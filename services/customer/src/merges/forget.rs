//! The worker that lets go of merges that can be undone no more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::{Result, SharedClock, sql};
use foursight_runtime::{Database, Tick, Worker};

const LOOK_EVERY: Duration = Duration::from_hours(1);
/// Merges in one transaction.
const BATCH: i32 = 200;

/// Removes what it took to undo them, and the absorbed files' keys.
pub(crate) struct Forget {
    db: Database,
    clock: SharedClock,
}

impl Forget {
    /// The worker.
    pub(crate) fn worker(db: Database, clock: SharedClock) -> Worker {
        Worker::new("merges-forget", LOOK_EVERY, Arc::new(Self { db, clock }))
    }
}

#[async_trait]
impl Tick for Forget {
    async fn tick(&self) -> Result<()> {
        loop {
            let mut tx = self.db.begin_as_service().await?;
            let forgotten = sqlx::query_scalar!(
                r#"SELECT customer.forget_merges($1, $2) AS "forgotten!""#,
                sql::at(self.clock.now()) as _,
                BATCH,
            )
            .fetch_one(&mut *tx)
            .await?;
            tx.commit().await?;
            if forgotten == 0 {
                return Ok(());
            }
        }
    }
}
