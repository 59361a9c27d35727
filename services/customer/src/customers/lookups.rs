//! Looking for whole phones, accounts and id numbers. Who has one in hand looks for it once; who guesses the digits that a mask hides
//! looks for thousands that are nobody's. So a caller may look for so many of those in a while, and the last one is on record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result};
use moka::future::Cache;
use serde_json::json;

use crate::context::Context;

/// For how long they count, from the first one on.
const WITHIN: Duration = Duration::from_mins(15);
/// So many are nobody's on a counter's busiest day, and no more.
const MOST: u32 = 300;
const MOST_REMEMBERED: u64 = 100_000;

/// What callers looked for in vain, of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lookups(Cache<String, Arc<AtomicU32>>);

impl Default for Lookups {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(WITHIN).build())
    }
}

impl Lookups {
    /// Refuses a caller who has looked in vain too often. Asked before anything is looked for.
    ///
    /// # Errors
    /// `TOO_MANY_TRIES` with the time after which to try again.
    pub(crate) async fn admit(&self, caller: &Principal) -> Result<()> {
        let misses = self.0.get(&caller.subject.name()).await;
        if misses.is_none_or(|misses| misses.load(Ordering::Relaxed) < MOST) {
            return Ok(());
        }
        let message = "too many phones, accounts or id numbers that were looked for are nobody's; wait, then look for what you have";
        Err(Error::exhausted("TOO_MANY_TRIES", message, WITHIN))
    }

    /// Counts what is nobody's. With the one that is too many, the audit log has it.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(crate) async fn missed(
        &self,
        ctx: &Context,
        caller: &Principal,
        method: &'static str,
        count: usize,
    ) -> Result<()> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if count == 0 {
            return Ok(());
        }
        let subject = caller.subject.name();
        let misses = self.0.get_with(subject.clone(), async { Arc::default() }).await;
        let before = misses.fetch_add(count, Ordering::Relaxed);
        if before >= MOST || before.saturating_add(count) < MOST {
            return Ok(());
        }
        let mut tx = ctx.db.begin(caller).await?;
        let detail = json!({ "reason": "TOO_MANY_TRIES", "lookups": before + count });
        let action = audit::Action { method, resource: &subject, store: None, detail };
        audit::record(&mut tx, caller, ctx.now(), action).await?;
        tx.commit().await
    }
}
