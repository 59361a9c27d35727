//! The housekeeping of sign-in: keys are replaced in time, and what has expired goes.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{Result, SharedClock};
use foursight_runtime::{Database, Tick};

use super::{Keyring, brake, session};

/// So many sessions go at once, so that no transaction is long.
const BATCH: i64 = 1_000;

pub(crate) struct Sweep {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) keyring: Arc<Keyring>,
}

#[async_trait]
impl Tick for Sweep {
    async fn tick(&self) -> Result<()> {
        self.keyring.rotate().await?;
        let now = self.clock.now();
        let mut tx = self.db.begin_as_service().await?;
        brake::sweep(&mut tx, now).await?;
        tx.commit().await?;
        loop {
            let mut tx = self.db.begin_as_service().await?;
            let gone = session::sweep(&mut tx, now, BATCH).await?;
            tx.commit().await?;
            if gone < BATCH.unsigned_abs() {
                return Ok(());
            }
        }
    }
}
