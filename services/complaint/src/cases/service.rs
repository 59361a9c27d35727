//! `CaseService`: from a gRPC request to the operation and back.

use foursight_access::caller;
use foursight_kernel::{Ids, SharedClock};
use foursight_proto::complaint::v1::{
    AssignCaseRequest, Case, CreateCaseRequest, GetCaseRequest, HandleCaseRequest, ListCasesRequest,
    ListCasesResponse, ReopenCaseRequest, ReplyCaseRequest, RevisitCaseRequest, TellCaseResultRequest,
    case_service_server::CaseService,
};
use foursight_runtime::{Database, PeerChannel};
use tonic::{Request, Response, Status};

use super::{assign, create, get, handle, list, lookup, reopen, reply, revisit, tell_result};

/// What operations on cases work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    /// The customer service.
    pub(crate) customers: PeerChannel,
    /// The notification service, for follow-up calls.
    pub(crate) calls: PeerChannel,
}

/// The service itself.
pub(crate) struct Cases(pub(crate) Desk);

#[tonic::async_trait]
impl CaseService for Cases {
    async fn create_case(&self, request: Request<CreateCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        let token = request.metadata().get(lookup::AUTHORIZATION).cloned();
        Ok(Response::new(create::create(&self.0, &caller, token, request.into_inner()).await?))
    }

    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, request.into_inner()).await?))
    }

    async fn assign_case(&self, request: Request<AssignCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(assign::assign(&self.0, &caller, request.into_inner()).await?))
    }

    async fn reply_case(&self, request: Request<ReplyCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(reply::reply(&self.0, &caller, request.into_inner()).await?))
    }

    async fn handle_case(&self, request: Request<HandleCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(handle::handle(&self.0, &caller, request.into_inner()).await?))
    }

    async fn tell_case_result(
        &self,
        request: Request<TellCaseResultRequest>,
    ) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(tell_result::tell_result(&self.0, &caller, request.into_inner()).await?))
    }

    async fn revisit_case(&self, request: Request<RevisitCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(revisit::revisit(&self.0, &caller, request.into_inner()).await?))
    }

    async fn reopen_case(&self, request: Request<ReopenCaseRequest>) -> Result<Response<Case>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(reopen::reopen(&self.0, &caller, request.into_inner()).await?))
    }
}
