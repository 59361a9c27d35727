//! Who makes a call: the active follow-up specialist of the store who has the fewest open ones.
//!
//! A task that found nobody, or whose assignee has left since or may make calls no more, is given to somebody as soon as there
//! is somebody.

use async_trait::async_trait;
use foursight_access::rights::roles_with;
use foursight_kernel::{Result, StaffId, StoreId};
use foursight_proto::identity::v1::Role;
use foursight_runtime::staffing::{Release, Round};
use sqlx::PgConnection;

/// The roles of those who may make calls.
fn caller_roles() -> Vec<i16> {
    roles_with("call_task.write")
}

/// The specialist with the fewest open tasks; of equals the one who came first (the smaller id).
pub(super) async fn pick(tx: &mut PgConnection, store: StoreId) -> Result<Option<StaffId>> {
    let id = sqlx::query_scalar!(
        "SELECT s.id FROM notification.staff s
         WHERE s.active AND s.stores @> ARRAY[$1::uuid] AND s.roles @> ARRAY[$2::smallint]
         ORDER BY (SELECT count(*) FROM notification.call_tasks t WHERE t.assignee_id = s.id AND t.state = 1), s.id
         LIMIT 1",
        store.uuid(),
        Role::FollowUpSpecialist as i16,
    )
    .fetch_optional(tx)
    .await?;
    Ok(id.map(StaffId::from))
}

/// Whether somebody is an active member of a store's staff who may make calls.
pub(super) async fn may_call(tx: &mut PgConnection, staff: StaffId, store: StoreId) -> Result<bool> {
    let may = sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT 1 FROM notification.staff
             WHERE id = $1 AND active AND stores @> ARRAY[$2::uuid] AND roles && $3::smallint[]) AS "may!""#,
        staff.uuid(),
        store.uuid(),
        &caller_roles(),
    )
    .fetch_one(tx)
    .await?;
    Ok(may)
}

/// Gives away the tasks of nobody, and of those who cannot make the call any more. A store without a specialist is passed over.
pub(crate) struct Staffing;

#[async_trait]
impl Release for Staffing {
    const WORKER: &'static str = "call-staffing";
    const THINGS: &'static str = "call tasks";

    async fn batch(&self, tx: &mut PgConnection, round: &Round) -> Result<usize> {
        let tasks = sqlx::query!(
            "SELECT t.id, t.store_id FROM notification.call_tasks t
             WHERE t.state = 1
               AND NOT EXISTS (
                 SELECT 1 FROM notification.staff s
                 WHERE s.id = t.assignee_id AND s.active AND s.stores @> ARRAY[t.store_id] AND s.roles && $3::smallint[])
               AND EXISTS (
                 SELECT 1 FROM notification.staff s
                 WHERE s.active AND s.stores @> ARRAY[t.store_id] AND s.roles @> ARRAY[$1::smallint])
             ORDER BY t.due_time, t.id LIMIT $2
             FOR UPDATE OF t SKIP LOCKED",
            Role::FollowUpSpecialist as i16,
            round.limit,
            &caller_roles(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut given = 0;
        for task in &tasks {
            let Some(assignee) = pick(tx, StoreId::from(task.store_id)).await? else { continue };
            sqlx::query!(
                "UPDATE notification.call_tasks SET assignee_id = $2, assigner_id = NULL, version = version + 1 WHERE id = $1",
                task.id,
                assignee.uuid(),
            )
            .execute(&mut *tx)
            .await?;
            given += 1;
        }
        Ok(given)
    }
}
