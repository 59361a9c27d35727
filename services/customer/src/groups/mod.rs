//! The groups in which customers are: UIO 保有客户, the car club 车友会, a store's own 专营店, the compensated 补偿. Membership is
//! dated, with why and by whom; that of UIO follows from the cars (`value/follow.rs`).

mod add;
mod memberships;
mod remove;

use foursight_kernel::{Error, Violations};
use foursight_proto::customer::v1::{
    AddToGroupRequest, Customer, CustomerGroup, ListGroupMembershipsRequest, ListGroupMembershipsResponse,
    RemoveFromGroupRequest, group_service_server::GroupService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// What an operation on a group is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GroupError {
    #[error("the customer is in the group already")]
    AlreadyIn,
    #[error("the customer is not in the group; perhaps somebody has ended the membership already")]
    NotIn,
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        let message = error.to_string();
        match error {
            GroupError::AlreadyIn => Self::already_exists("ALREADY_IN_GROUP", message),
            GroupError::NotIn => Self::failed_precondition("NOT_IN_GROUP", message),
        }
    }
}

/// A group that people are put into.
fn parse(v: &mut Violations, group: i32) -> Option<CustomerGroup> {
    let group = v.required_enum("group", group);
    if group == Some(CustomerGroup::Uio) {
        v.push("group", "must not be UIO: who is in it follows from the cars that a customer owns");
    }
    group
}

/// `GroupService`, on this room.
#[derive(Clone)]
pub(crate) struct Groups(pub(crate) Context);

#[tonic::async_trait]
impl GroupService for Groups {
    async fn add_to_group(&self, request: Request<AddToGroupRequest>) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(add::add(&self.0, &caller, request.into_inner()).await?))
    }

    async fn remove_from_group(
        &self,
        request: Request<RemoveFromGroupRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(remove::remove(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_group_memberships(
        &self,
        request: Request<ListGroupMembershipsRequest>,
    ) -> Result<Response<ListGroupMembershipsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(memberships::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
