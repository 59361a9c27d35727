//! Takes open cases from owners who can no longer work on them: who left, changed store or lost the right. The store sees them
//! as nobody's, and the case says why. Deadlines stay: the customer waits all the same.

use async_trait::async_trait;
use foursight_kernel::Result;
use foursight_proto::complaint::events::v1::Step;
use foursight_runtime::staffing::{self, Released, Round};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Case, event, row, write};
use crate::stores;

/// What the step says.
const REASON: &str = "负责人已离职、调店或不再处理投诉，待重新指派 (the owner has left, changed store or handles complaints no more; to be assigned again)";

/// Finds the cases of such owners.
pub(crate) struct Release;

#[async_trait]
impl staffing::Release for Release {
    const WORKER: &'static str = "release";
    const THINGS: &'static str = "cases";

    async fn batch(&self, tx: &mut PgConnection, round: &Round) -> Result<usize> {
        let found = stranded(tx, round.limit).await?;
        let mut released = 0;
        for case in row::load(tx, &found).await? {
            released += usize::from(release(tx, round, case).await?);
        }
        Ok(released)
    }
}

/// Whether there was an owner to take it from.
async fn release(tx: &mut PgConnection, round: &Round, mut case: Case) -> Result<bool> {
    let (Some(previous_owner), Some(life)) = (case.life.owner, case.life.release()) else { return Ok(false) };
    case.step(life, None, round.now, REASON.to_owned());
    case.version += 1;
    write::advance(tx, &case).await?;
    write::last_step(tx, &case).await?;
    let (resource, event) = (case.id.name(), event::advanced(&case, Step::Released));
    let released =
        Released { method: "ReleaseCase", resource: &resource, store: case.store, previous_owner, event };
    round.tell(tx, released).await?;
    Ok(true)
}

/// Cases whose owner is known and may not own them, locked. One that somebody is working on is left for the next round.
async fn stranded(tx: &mut PgConnection, limit: i64) -> Result<Vec<Uuid>> {
    // Found by the index alone, once, then locked: whoever was given one meanwhile keeps it, as its owner is looked at again. Whose roles
    // were not heard yet is judged as before they were kept, as `stores::may_own` does.
    let ids = sqlx::query_scalar!(
        "WITH found AS MATERIALIZED (
             SELECT o.id, o.owner_id FROM complaint.staff s JOIN complaint.cases o ON o.owner_id = s.staff_id
             WHERE o.state <> 5 AND o.owner_id IS NOT NULL
               AND NOT (s.active AND (s.headquarters OR s.stores @> ARRAY[o.store_id])
                        AND (s.roles IS NULL OR s.roles && $1::smallint[]))
             LIMIT $2
         )
         SELECT c.id FROM found f JOIN complaint.cases c ON c.id = f.id
         WHERE c.state <> 5 AND c.owner_id = f.owner_id
         FOR UPDATE OF c SKIP LOCKED",
        &stores::owner_roles(),
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
