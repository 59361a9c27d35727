//! Gives a call task to a member of the store's staff who may make calls.

use std::mem;

use foursight_access::{
    Principal,
    audit::{self, Action},
};
use foursight_kernel::{CallTaskId, Error, RequestKey, Result, StaffId, StoreId, Violations};
use foursight_proto::notification::v1::{AssignCallTaskRequest, CallTask, CallTaskState};
use foursight_runtime::step;
use serde_json::json;

use super::{CallTaskError, CallTasks, rows, rows::TaskRow, staffing};

const METHOD: &str = "AssignCallTask";

pub(super) async fn assign(
    service: &CallTasks,
    caller: &Principal,
    mut request: AssignCallTaskRequest,
) -> Result<CallTask> {
    let mut violations = Violations::default();
    let id: Option<CallTaskId> = violations.name("name", &request.name);
    let assignee: Option<StaffId> = violations.name("assignee", &request.assignee);
    let request_id = violations.request_id(&mem::take(&mut request.request_id));
    violations.check()?;
    let id = id.ok_or(CallTaskError::NotFound)?;
    let assignee = assignee.ok_or_else(unfit)?;
    let by = caller.require_staff()?;
    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);

    let now = service.clock.now();
    let mut tx = service.db.begin(caller).await?;
    let task = rows::lock(&mut tx, id).await?.ok_or(CallTaskError::NotFound)?;
    let store = StoreId::from(task.store_id);
    if step::is_new(&mut tx, key.as_ref(), store, now).await? {
        check(&task, assignee, &request.etag)?;
        if !staffing::may_call(&mut tx, assignee, store).await? {
            return Err(unfit());
        }
        sqlx::query!(
            "UPDATE notification.call_tasks SET assignee_id = $2, assigner_id = $3, version = version + 1 WHERE id = $1",
            id.uuid(),
            assignee.uuid(),
            by.uuid(),
        )
        .execute(&mut *tx)
        .await?;
        let action = Action {
            method: METHOD,
            resource: &id.name(),
            store: Some(store),
            detail: json!({ "assignee": assignee.name() }),
        };
        audit::record(&mut tx, caller, now, action).await?;
    }
    let task = rows::load(&mut tx, id).await?.ok_or(CallTaskError::NotFound)?;
    tx.commit().await?;
    Ok(task)
}

/// Whether a task as it is may be given to somebody by who has read it with this etag, or not at all.
fn check(task: &TaskRow, assignee: StaffId, etag: &str) -> Result<(), CallTaskError> {
    if !etag.is_empty() && etag != task.etag() {
        return Err(CallTaskError::Changed);
    }
    if i32::from(task.state) != CallTaskState::Open as i32 {
        return Err(task.is_over());
    }
    if !etag.is_empty() {
        return Ok(());
    }
    match (task.assignee_id, task.assigner_id) {
        (Some(now), Some(by)) if now != assignee.uuid() => Err(CallTaskError::AlreadyAssigned {
            assignee: StaffId::from(now).name(),
            assigner: StaffId::from(by).name(),
        }),
        _ => Ok(()),
    }
}

fn unfit() -> Error {
    let description = "must be an active member of the store's staff, with the right call_task.write";
    Error::invalid_field("assignee", description)
}
