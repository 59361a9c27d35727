//! What a customer is worth to the group: amounts that follow visits and deliveries, and a tier by rank, unless somebody decides it.

mod amount;
mod decide;
mod follow;
mod get;
mod rank;
mod rule;

use foursight_proto::customer::v1::{
    CorrectStageRequest, Customer, CustomerValue, GetCustomerValueRequest, ListStageChangesRequest,
    ListStageChangesResponse, SetValueTierRequest, value_service_server::ValueService,
};
use tonic::{Request, Response, Status};

pub(crate) use follow::consumer;
pub(crate) use rank::Ranker;
pub(crate) use rule::ValueRule;

use crate::{context::Context, customers::correct_stage, stages};

/// `ValueService`, on this room.
#[derive(Clone)]
pub(crate) struct Values(pub(crate) Context);

#[tonic::async_trait]
impl ValueService for Values {
    async fn get_customer_value(
        &self,
        request: Request<GetCustomerValueRequest>,
    ) -> Result<Response<CustomerValue>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn set_value_tier(
        &self,
        request: Request<SetValueTierRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(decide::decide(&self.0, &caller, request.into_inner()).await?))
    }

    async fn correct_stage(
        &self,
        request: Request<CorrectStageRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(correct_stage::correct(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_stage_changes(
        &self,
        request: Request<ListStageChangesRequest>,
    ) -> Result<Response<ListStageChangesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(stages::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
