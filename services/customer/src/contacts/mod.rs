//! Ways to reach a customer: how each kind is read, kept and found again, and the one method by which other services learn
//! them.

pub(crate) mod hashes;
pub(crate) mod phone;
mod resolve;
mod value;

use foursight_proto::customer::v1::{
    ResolveContactsRequest, ResolveContactsResponse, contact_service_server::ContactService,
};
use tonic::{Request, Response, Status};

pub(crate) use value::{ContactValue, kind_of};

use crate::context::Context;

/// `ContactService`, on this room.
#[derive(Clone)]
pub(crate) struct Contacts(pub(crate) Context);

#[tonic::async_trait]
impl ContactService for Contacts {
    async fn resolve_contacts(
        &self,
        request: Request<ResolveContactsRequest>,
    ) -> Result<Response<ResolveContactsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(resolve::resolve(&self.0, &caller, &request.into_inner()).await?))
    }
}
