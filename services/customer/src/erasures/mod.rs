//! Erasing a customer: the file's key is destroyed and what the file says is removed, here at once, elsewhere by event; what every
//! service has done is sealed in a certificate.
//!
//! What goes of which table is said by the migrations (`erasure_of_…()`), and done by `foursight_runtime::erasure`. The erasure's states
//! are two: running, while some service has not answered, and completed. Nothing needs a worker: an event that is under way when a
//! process dies comes again, and the last answer completes it.

mod answers;
mod certificate;
mod get;
mod list;
mod obstacles;
mod preview;
mod request;
mod row;

use foursight_kernel::{ErasureId, Error};
use foursight_proto::customer::v1::{
    Erasure, ExportCustomerDataRequest, ExportCustomerDataResponse, GetErasureRequest, ListErasuresRequest,
    ListErasuresResponse, PreviewErasureRequest, PreviewErasureResponse, RequestErasureRequest,
    privacy_service_server::PrivacyService,
};
use tonic::{Request, Response, Status};

pub(crate) use answers::consumer;
pub(crate) use request::erase_when_due;
pub(crate) use row::of_customer;

use foursight_runtime::PeerChannel;

use crate::{context::Context, copies};

/// Who has to answer an erasure, besides this service. A service that keeps anything of customers stands here.
const OTHERS: [&str; 3] = ["analytics", "complaint", "notification"];

/// What an operation on an erasure is refused for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ErasureError {
    #[error("there is no such erasure")]
    NotFound,
    #[error("the customer was erased; nothing is left but the certificate")]
    Erased(ErasureId),
    #[error("something stands against the erasure, which the metadata `obstacle` names; end it first")]
    Blocked(Vec<&'static str>),
}

impl From<ErasureError> for Error {
    fn from(error: ErasureError) -> Self {
        let message = error.to_string();
        match error {
            ErasureError::NotFound => Self::not_found("ERASURE_NOT_FOUND", message),
            ErasureError::Erased(erasure) => {
                Self::not_found("CUSTOMER_ERASED", message).with_metadata("erasure", erasure.name())
            }
            ErasureError::Blocked(obstacles) => Self::failed_precondition("ERASURE_BLOCKED", message)
                .with_metadata("obstacle", obstacles.join(",")),
        }
    }
}

/// `PrivacyService`, on this room.
#[derive(Clone)]
pub(crate) struct Privacy {
    pub(crate) ctx: Context,
    /// Who keeps something of customers besides, each with its name.
    pub(crate) others: Vec<(&'static str, PeerChannel)>,
}

impl Privacy {
    /// With the channels to the others.
    pub(crate) fn new(ctx: Context, peer: impl Fn(&str) -> PeerChannel) -> Self {
        Self { ctx, others: OTHERS.into_iter().map(|other| (other, peer(other))).collect() }
    }
}

#[tonic::async_trait]
impl PrivacyService for Privacy {
    async fn preview_erasure(
        &self,
        request: Request<PreviewErasureRequest>,
    ) -> Result<Response<PreviewErasureResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(preview::preview(&self.ctx, &caller, &request.into_inner()).await?))
    }

    async fn request_erasure(
        &self,
        request: Request<RequestErasureRequest>,
    ) -> Result<Response<Erasure>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(request::request(&self.ctx, &caller, request.into_inner()).await?))
    }

    async fn export_customer_data(
        &self,
        request: Request<ExportCustomerDataRequest>,
    ) -> Result<Response<ExportCustomerDataResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        let copy = copies::export(&self.ctx, &self.others, &caller, &request.into_inner()).await?;
        Ok(Response::new(copy))
    }

    async fn get_erasure(&self, request: Request<GetErasureRequest>) -> Result<Response<Erasure>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.ctx, &caller, &request.into_inner()).await?))
    }

    async fn list_erasures(
        &self,
        request: Request<ListErasuresRequest>,
    ) -> Result<Response<ListErasuresResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.ctx, &caller, &request.into_inner()).await?))
    }
}
