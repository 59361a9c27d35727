//! Service visits 进厂: the car is checked in, and handed back.

mod complete;
mod create;
mod get;
pub(crate) mod odometer;
mod row;
mod state;

pub(crate) use state::to_money;

use foursight_proto::customer::v1::{
    CompleteVisitRequest, CreateVisitRequest, GetVisitRequest, Visit, visit_service_server::VisitService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// `VisitService`, on this room.
#[derive(Clone)]
pub(crate) struct Visits(pub(crate) Context);

#[tonic::async_trait]
impl VisitService for Visits {
    async fn create_visit(&self, request: Request<CreateVisitRequest>) -> Result<Response<Visit>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_visit(&self, request: Request<GetVisitRequest>) -> Result<Response<Visit>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn complete_visit(
        &self,
        request: Request<CompleteVisitRequest>,
    ) -> Result<Response<Visit>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(complete::complete(&self.0, &caller, request.into_inner()).await?))
    }
}
