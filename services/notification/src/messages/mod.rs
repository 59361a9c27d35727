//! Messages to customers: planned by what happens, judged by the gate at the moment of sending, and kept with every decision.
//! Neither words nor addresses are kept.

use foursight_access::caller;
use foursight_kernel::Error;
use foursight_proto::notification::v1::{
    GetMessageRequest, ListMessagesRequest, ListMessagesResponse, Message,
    message_service_server::MessageService,
};
use foursight_runtime::Database;
use tonic::{Request, Response, Status};

pub(crate) mod case_progress;
mod claim;
mod contacts;
pub(crate) mod dispatch;
pub(crate) mod first_service;
mod get;
mod list;
mod plan;
mod rows;
pub(crate) mod state;
mod transition;

/// The message service.
pub(crate) struct Messages {
    pub(crate) db: Database,
}

/// Why a message's operation is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("there is no such message, or not at the caller's stores")]
    NotFound,
}

impl From<MessageError> for Error {
    fn from(error: MessageError) -> Self {
        let message = error.to_string();
        match error {
            MessageError::NotFound => Self::not_found("MESSAGE_NOT_FOUND", message),
        }
    }
}

#[tonic::async_trait]
impl MessageService for Messages {
    async fn get_message(&self, request: Request<GetMessageRequest>) -> Result<Response<Message>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(get::get(self, &caller, &request.into_inner()).await?))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(list::list(self, &caller, &request.into_inner()).await?))
    }
}
