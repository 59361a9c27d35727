//! What every role with a database does by itself: seals its audit log, and clears what its outbox need not keep.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use foursight_access::audit;
use foursight_kernel::{Result, SharedClock};
use foursight_messaging::{Bus, outbox};
use jiff::SignedDuration;

use super::anchoring::Anchoring;
use crate::{Database, RoleContext, Tick, Worker};

/// Audit rows that are sealed in one transaction.
const SEAL_BATCH: i64 = 2_000;

/// How far a round looks back for rows of transactions that were slower than others.
const SEAL_BACK: i64 = 2_000;

/// How far a thorough round does: further than any transaction can fall behind.
const SEAL_FAR_BACK: i64 = 1_000_000;

/// Every so many rounds, from the first on, is a thorough one.
const THOROUGH: u32 = 300;

pub(super) fn workers(service: &'static str, context: &RoleContext, bus: Bus) -> [Worker; 2] {
    let db = context.db.clone();
    let keep = SignedDuration::from_hours(24 * context.settings.outbox.keep_days);
    let prune = Prune { db: db.clone(), clock: context.clock.clone(), keep };
    let seal = Seal { db, round: AtomicU32::new(0), anchoring: Anchoring::new(service, bus) };
    [
        Worker::new("seal-audit", Duration::from_secs(2), Arc::new(seal)),
        Worker::new("prune-outbox", Duration::from_hours(1), Arc::new(prune)),
    ]
}

struct Seal {
    db: Database,
    round: AtomicU32,
    anchoring: Anchoring,
}

#[async_trait]
impl Tick for Seal {
    async fn tick(&self) -> Result<()> {
        let thorough = self.round.fetch_add(1, Ordering::Relaxed).is_multiple_of(THOROUGH);
        let back = if thorough { SEAL_FAR_BACK } else { SEAL_BACK };
        loop {
            let mut tx = self.db.begin_as_service().await?;
            let sealed = audit::seal(&mut tx, SEAL_BATCH, back).await?;
            let end = audit::end(&mut tx).await?;
            tx.commit().await?;
            if sealed < SEAL_BATCH.unsigned_abs() {
                return self.anchoring.anchor(end, thorough).await;
            }
        }
    }
}

struct Prune {
    db: Database,
    clock: SharedClock,
    keep: SignedDuration,
}

#[async_trait]
impl Tick for Prune {
    async fn tick(&self) -> Result<()> {
        let mut tx = self.db.begin_as_service().await?;
        let removed = outbox::prune(&mut tx, self.clock.now() - self.keep).await?;
        tx.commit().await?;
        if removed > 0 {
            tracing::info!(removed, "published events left the outbox");
        }
        Ok(())
    }
}
