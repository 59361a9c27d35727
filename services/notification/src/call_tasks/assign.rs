//! Gives a call task to a member of the store's staff who may make calls.

use foursight_access::{
    Principal,
    audit::{self, Action},
};
use foursight_kernel::{CallTaskId, Error, Result, StaffId, StoreId, Violations};
use foursight_proto::notification::v1::{AssignCallTaskRequest, CallTask, CallTaskState};
use serde_json::json;

use super::{CallTaskError, CallTasks, rows, staffing};

pub(super) async fn assign(
    service: &CallTasks,
    caller: &Principal,
    request: &AssignCallTaskRequest,
) -> Result<CallTask> {
    let mut violations = Violations::default();
    let id: Option<CallTaskId> = violations.name("name", &request.name);
    let assignee: Option<StaffId> = violations.name("assignee", &request.assignee);
    violations.check()?;
    let id = id.ok_or(CallTaskError::NotFound)?;
    let assignee = assignee.ok_or_else(unfit)?;

    let mut tx = service.db.begin(caller).await?;
    let task = rows::lock(&mut tx, id).await?.ok_or(CallTaskError::NotFound)?;
    let store = StoreId::from(task.store_id);
    if i32::from(task.state) != CallTaskState::Open as i32 {
        return Err(CallTaskError::NotOpen.into());
    }
    if !staffing::may_call(&mut tx, assignee, store).await? {
        return Err(unfit());
    }
    if task.assignee_id != Some(assignee.uuid()) {
        sqlx::query!(
            "UPDATE notification.call_tasks SET assignee_id = $2, version = version + 1 WHERE id = $1",
            id.uuid(),
            assignee.uuid(),
        )
        .execute(&mut *tx)
        .await?;
        let action = Action {
            method: "AssignCallTask",
            resource: &id.name(),
            store: Some(store),
            detail: json!({ "assignee": assignee.name() }),
        };
        audit::record(&mut tx, caller, service.clock.now(), action).await?;
    }
    let task = rows::load(&mut tx, id).await?.ok_or(CallTaskError::NotFound)?;
    tx.commit().await?;
    Ok(task)
}

fn unfit() -> Error {
    let description = "must be an active member of the store's staff, with the right call_task.write";
    Error::invalid_field("assignee", description)
}
