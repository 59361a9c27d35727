//! One call task, with what its attempts brought.

use foursight_access::Principal;
use foursight_kernel::{CallTaskId, Result, Violations};
use foursight_proto::notification::v1::{CallTask, GetCallTaskRequest};

use super::{CallTaskError, CallTasks, rows};

pub(super) async fn get(
    service: &CallTasks,
    caller: &Principal,
    request: &GetCallTaskRequest,
) -> Result<CallTask> {
    let mut violations = Violations::default();
    let id: Option<CallTaskId> = violations.name("name", &request.name);
    violations.check()?;
    let id = id.ok_or(CallTaskError::NotFound)?;

    let mut tx = service.db.begin(caller).await?;
    let task = rows::load(&mut tx, id).await?;
    Ok(task.ok_or(CallTaskError::NotFound)?)
}
