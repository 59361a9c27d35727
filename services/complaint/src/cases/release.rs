//! Takes open cases from owners who can no longer work on them: who left, changed store or lost the right. The store sees them
//! as nobody's, and the case says why. Deadlines stay: the customer waits all the same.
//!
//! A worker looks, rather than the consumer that hears of a leaver: so a case that somebody was given while the news was under
//! way is found, too.

use async_trait::async_trait;
use foursight_access::{Principal, audit::Action};
use foursight_kernel::{Ids, Result, SharedClock};
use foursight_proto::complaint::events::v1::Step;
use foursight_runtime::{Database, Tick, record};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Case, event, row, write};
use crate::stores;

/// Cases in one transaction.
const BATCH: i64 = 200;
/// What the step says.
const REASON: &str = "负责人已离职、调店或不再处理投诉，待重新指派 (the owner has left, changed store or handles complaints no more; to be assigned again)";

/// Finds the cases of such owners.
pub(crate) struct Release {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
}

#[async_trait]
impl Tick for Release {
    async fn tick(&self) -> Result<()> {
        loop {
            let mut tx = self.db.begin_as_service().await?;
            let found = stranded(&mut tx).await?;
            for case in row::load(&mut tx, &found).await? {
                self.release(&mut tx, case).await?;
            }
            tx.commit().await?;
            if found.is_empty() {
                return Ok(());
            }
            tracing::info!(
                cases = found.len(),
                "cases of owners who cannot work on them are to be assigned again"
            );
        }
    }
}

impl Release {
    async fn release(&self, tx: &mut PgConnection, mut case: Case) -> Result<()> {
        let (Some(owner), Some(life)) = (case.life.owner, case.life.release()) else { return Ok(()) };
        let now = self.clock.now();
        case.step(life, None, now, REASON.to_owned());
        case.version += 1;
        write::advance(tx, &case).await?;
        write::last_step(tx, &case).await?;
        let action = Action {
            method: "ReleaseCase",
            resource: &case.id.name(),
            store: Some(case.store),
            detail: json!({ "previous_owner": owner.name() }),
        };
        let event = event::advanced(&case, Step::Released);
        record::change(tx, &self.ids, &Principal::service("complaint"), now, event, action).await
    }
}

/// Cases whose owner is known and may not own them, locked. One that somebody is working on is left for the next round.
async fn stranded(tx: &mut PgConnection) -> Result<Vec<Uuid>> {
    // Found by the index alone, then locked: whoever was given one meanwhile keeps it, as its owner is looked at again. Whose roles
    // were not heard yet is judged as before they were kept, as `stores::may_own` does.
    let ids = sqlx::query_scalar!(
        "SELECT c.id FROM complaint.cases c
         WHERE c.state <> 5 AND (c.id, c.owner_id) IN (
             SELECT o.id, o.owner_id FROM complaint.staff s JOIN complaint.cases o ON o.owner_id = s.staff_id
             WHERE o.state <> 5 AND o.owner_id IS NOT NULL
               AND NOT (s.active AND (s.headquarters OR s.stores @> ARRAY[o.store_id])
                        AND (s.roles IS NULL OR s.roles && $1::smallint[]))
             LIMIT $2)
         FOR UPDATE SKIP LOCKED",
        &stores::owner_roles(),
        BATCH,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
