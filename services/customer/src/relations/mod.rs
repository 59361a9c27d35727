//! Relations between two files: the family, and who stands for an organization.

mod add;
mod end;
mod list;
mod row;
mod rule;

use foursight_kernel::Error;
use foursight_proto::customer::v1::{
    AddRelationRequest, EndRelationRequest, ListRelationsRequest, ListRelationsResponse, Relation,
    relation_service_server::RelationService,
};
use tonic::{Request, Response, Status};

pub(crate) use rule::{from_other_side, inverse};

use crate::context::Context;

/// What an operation on a relation is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelationError {
    #[error("the customer has no such relation, or not in the caller's stores")]
    NotFound,
    #[error("the two have this relation already, from one side or the other")]
    Exists,
    #[error("the relation has ended; perhaps somebody was faster")]
    Ended,
}

impl From<RelationError> for Error {
    fn from(error: RelationError) -> Self {
        let message = error.to_string();
        match error {
            RelationError::NotFound => Self::not_found("RELATION_NOT_FOUND", message),
            RelationError::Exists => Self::already_exists("RELATION_EXISTS", message),
            RelationError::Ended => Self::failed_precondition("RELATION_ENDED", message),
        }
    }
}

/// `RelationService`, on this room.
#[derive(Clone)]
pub(crate) struct Relations(pub(crate) Context);

#[tonic::async_trait]
impl RelationService for Relations {
    async fn add_relation(&self, request: Request<AddRelationRequest>) -> Result<Response<Relation>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(add::add(&self.0, &caller, request.into_inner()).await?))
    }

    async fn end_relation(&self, request: Request<EndRelationRequest>) -> Result<Response<Relation>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(end::end(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_relations(
        &self,
        request: Request<ListRelationsRequest>,
    ) -> Result<Response<ListRelationsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
