//! Deliveries: the car is handed over, and the customer becomes an owner.

mod create;
mod get;
mod row;
mod write;

use foursight_proto::customer::v1::{
    CreateDeliveryRequest, Delivery, GetDeliveryRequest, delivery_service_server::DeliveryService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// `DeliveryService`, on this room.
#[derive(Clone)]
pub(crate) struct Deliveries(pub(crate) Context);

#[tonic::async_trait]
impl DeliveryService for Deliveries {
    async fn create_delivery(
        &self,
        request: Request<CreateDeliveryRequest>,
    ) -> Result<Response<Delivery>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_delivery(&self, request: Request<GetDeliveryRequest>) -> Result<Response<Delivery>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }
}
