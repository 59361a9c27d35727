//! Follow-up calls 回访: planned by a delivery or a visit, given to somebody, attempted up to three times, done by evidence.

use foursight_access::caller;
use foursight_kernel::{Error, Ids, SharedClock};
use foursight_proto::notification::v1::{
    AssignCallTaskRequest, CallTask, GetCallTaskRequest, ListCallTasksRequest, ListCallTasksResponse,
    RecordCallAttemptRequest, call_task_service_server::CallTaskService,
};
use foursight_runtime::Database;
use tonic::{Request, Response, Status};

mod assign;
mod get;
mod list;
pub(crate) mod plan;
mod record_attempt;
pub(crate) mod rows;
mod staffing;
pub(crate) mod state;

pub(crate) use staffing::Staffing;

/// The call task service.
pub(crate) struct CallTasks {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
}

/// Why a call task's operation is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallTaskError {
    #[error("there is no such call task, or not at the caller's stores")]
    NotFound,
    #[error("the call task is over; nothing can be added to it")]
    NotOpen { state: &'static str, complete_time: String },
    #[error("the call task was changed since it was read; read it again and decide again")]
    Changed,
    #[error(
        "somebody has given the call task to {assignee} already; to give it to somebody else, send the etag of the task as it is"
    )]
    AlreadyAssigned { assignee: String, assigner: String },
    #[error(
        "the call of this call_record is recorded with another result; each call has a record of its own"
    )]
    CallRecorded,
}

impl From<CallTaskError> for Error {
    fn from(error: CallTaskError) -> Self {
        let message = error.to_string();
        match error {
            CallTaskError::NotFound => Self::not_found("CALL_TASK_NOT_FOUND", message),
            CallTaskError::NotOpen { state, complete_time } => {
                Self::failed_precondition("CALL_TASK_NOT_OPEN", message)
                    .with_metadata("state", state)
                    .with_metadata("complete_time", complete_time)
            }
            CallTaskError::Changed => Self::aborted("CALL_TASK_CHANGED", message),
            CallTaskError::AlreadyAssigned { assignee, assigner } => {
                Self::failed_precondition("CALL_TASK_ALREADY_ASSIGNED", message)
                    .with_metadata("assignee", assignee)
                    .with_metadata("assigner", assigner)
            }
            CallTaskError::CallRecorded => Self::already_exists("CALL_ALREADY_RECORDED", message),
        }
    }
}

#[tonic::async_trait]
impl CallTaskService for CallTasks {
    async fn get_call_task(
        &self,
        request: Request<GetCallTaskRequest>,
    ) -> Result<Response<CallTask>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(get::get(self, &caller, &request.into_inner()).await?))
    }

    async fn list_call_tasks(
        &self,
        request: Request<ListCallTasksRequest>,
    ) -> Result<Response<ListCallTasksResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(list::list(self, &caller, &request.into_inner()).await?))
    }

    async fn assign_call_task(
        &self,
        request: Request<AssignCallTaskRequest>,
    ) -> Result<Response<CallTask>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(assign::assign(self, &caller, request.into_inner()).await?))
    }

    async fn record_call_attempt(
        &self,
        request: Request<RecordCallAttemptRequest>,
    ) -> Result<Response<CallTask>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(record_attempt::record_attempt(self, &caller, request.into_inner()).await?))
    }
}
