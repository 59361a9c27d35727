//! Tags 标签: the group's catalogue, and which customers have which.

mod archive;
mod assign;
mod assignments;
mod create;
mod list;
mod names;

use foursight_kernel::{Error, TagId, sql::Timestamp, time};
use foursight_proto::customer::v1::{
    ArchiveTagRequest, CreateTagRequest, Customer, ListTagAssignmentsRequest, ListTagAssignmentsResponse,
    ListTagsRequest, ListTagsResponse, Tag, TagCustomerRequest, UntagCustomerRequest,
    tag_service_server::TagService,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub(crate) use {
    assign::MOST_OF_FILE,
    names::{TagNames, names},
};

use crate::context::Context;

/// How many tags of the catalogue may be in use.
const MOST_TAGS: i64 = 500;

/// What an operation on a tag is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TagError {
    #[error("there is no such tag")]
    NotFound,
    #[error(
        "another tag in use has this name, in Chinese or in English; use that one, or choose another name"
    )]
    Exists,
    #[error("the catalogue has {MOST_TAGS} tags in use, and no room for more; archive some first")]
    TooMany,
}

impl From<TagError> for Error {
    fn from(error: TagError) -> Self {
        let message = error.to_string();
        match error {
            TagError::NotFound => Self::not_found("TAG_NOT_FOUND", message),
            TagError::Exists => Self::already_exists("TAG_EXISTS", message),
            TagError::TooMany => Self::failed_precondition("TOO_MANY_TAGS", message),
        }
    }
}

struct TagRow {
    id: Uuid,
    display_name_zh: String,
    display_name_en: String,
    create_time: Timestamp,
    archive_time: Option<Timestamp>,
    request_hash: Option<Vec<u8>>,
}

impl TagRow {
    fn to_proto(&self) -> Tag {
        Tag {
            name: TagId::from(self.id).name(),
            display_name_zh: self.display_name_zh.clone(),
            display_name_en: self.display_name_en.clone(),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            archive_time: self.archive_time.map(|at| time::to_proto(at.to_jiff())),
        }
    }
}

/// `TagService`, on this room.
#[derive(Clone)]
pub(crate) struct Tags(pub(crate) Context);

#[tonic::async_trait]
impl TagService for Tags {
    async fn create_tag(&self, request: Request<CreateTagRequest>) -> Result<Response<Tag>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_tags(
        &self,
        request: Request<ListTagsRequest>,
    ) -> Result<Response<ListTagsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn archive_tag(&self, request: Request<ArchiveTagRequest>) -> Result<Response<Tag>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(archive::archive(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn tag_customer(&self, request: Request<TagCustomerRequest>) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(assign::tag(&self.0, &caller, request.into_inner()).await?))
    }

    async fn untag_customer(
        &self,
        request: Request<UntagCustomerRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(assign::untag(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_tag_assignments(
        &self,
        request: Request<ListTagAssignmentsRequest>,
    ) -> Result<Response<ListTagAssignmentsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(assignments::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
