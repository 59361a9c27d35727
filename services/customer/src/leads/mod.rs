//! Leads 线索, from the first interest to the car.

mod assign;
mod create;
mod get;
mod grade;
mod list;
mod lose;
mod release;
mod row;
pub(crate) mod state;
pub(crate) mod win;

use foursight_proto::customer::v1::{
    AssignLeadRequest, CreateLeadRequest, GetLeadRequest, GradeLeadRequest, Lead, ListLeadsRequest,
    ListLeadsResponse, LoseLeadRequest, lead_service_server::LeadService,
};
pub(crate) use release::Release;
use tonic::{Request, Response, Status};

use crate::context::Context;

/// `LeadService`, on this room.
#[derive(Clone)]
pub(crate) struct Leads(pub(crate) Context);

#[tonic::async_trait]
impl LeadService for Leads {
    async fn create_lead(&self, request: Request<CreateLeadRequest>) -> Result<Response<Lead>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_lead(&self, request: Request<GetLeadRequest>) -> Result<Response<Lead>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_leads(
        &self,
        request: Request<ListLeadsRequest>,
    ) -> Result<Response<ListLeadsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn grade_lead(&self, request: Request<GradeLeadRequest>) -> Result<Response<Lead>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(grade::grade(&self.0, &caller, request.into_inner()).await?))
    }

    async fn assign_lead(&self, request: Request<AssignLeadRequest>) -> Result<Response<Lead>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(assign::assign(&self.0, &caller, request.into_inner()).await?))
    }

    async fn lose_lead(&self, request: Request<LoseLeadRequest>) -> Result<Response<Lead>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(lose::lose(&self.0, &caller, request.into_inner()).await?))
    }
}
