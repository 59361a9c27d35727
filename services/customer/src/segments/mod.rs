//! Segments 客户细分: conditions over files, saved under a name, counted and listed at once.
//!
//! A segment is counted by reading one narrow row of each file (`segment_files`), which a consumer keeps (`keep`). The tree is checked
//! (`condition`), told in words (`words`) and made into SQL (`compile`) by pure modules; the days that it is about are
//! those of the moment at which it is asked.

mod ask;
mod compile;
mod condition;
mod count;
mod create;
mod delete;
mod get;
pub(crate) mod keep;
mod list;
mod list_customers;
mod preview;
mod row;
mod stream;
#[cfg(test)]
mod tests;
mod update;
mod words;

use foursight_kernel::Error;
use foursight_proto::customer::v1::{
    CountSegmentRequest, CountSegmentResponse, CreateSegmentRequest, DeleteSegmentRequest, GetSegmentRequest,
    ListSegmentCustomersRequest, ListSegmentCustomersResponse, ListSegmentsRequest, ListSegmentsResponse,
    PreviewSegmentRequest, PreviewSegmentResponse, Segment, StreamSegmentCustomersRequest,
    UpdateSegmentRequest, segment_service_server::SegmentService,
};
use tonic::{Request, Response, Status};

pub(crate) use ask::Members;

use crate::context::Context;

/// How many segments of a store, and of the group, may be in use.
const MOST_SEGMENTS: i64 = 500;

/// What an operation on a segment is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SegmentError {
    #[error("there is no such segment, or not for this caller")]
    NotFound,
    #[error("the segment was changed since it was read; read it again and decide again")]
    Changed,
    #[error("the segment is archived; create another one")]
    Archived,
    #[error("there are {MOST_SEGMENTS} segments in use here, and no room for more; archive some first")]
    TooMany,
}

impl From<SegmentError> for Error {
    fn from(error: SegmentError) -> Self {
        let message = error.to_string();
        match error {
            SegmentError::NotFound => Self::not_found("SEGMENT_NOT_FOUND", message),
            SegmentError::Changed => Self::aborted("SEGMENT_CHANGED", message),
            SegmentError::Archived => Self::failed_precondition("SEGMENT_ARCHIVED", message),
            SegmentError::TooMany => Self::failed_precondition("TOO_MANY_SEGMENTS", message),
        }
    }
}

/// `SegmentService`, on this room.
#[derive(Clone)]
pub(crate) struct Segments(pub(crate) Context);

#[tonic::async_trait]
impl SegmentService for Segments {
    type StreamSegmentCustomersStream = stream::Messages;

    async fn create_segment(
        &self,
        request: Request<CreateSegmentRequest>,
    ) -> Result<Response<Segment>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_segment(&self, request: Request<GetSegmentRequest>) -> Result<Response<Segment>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_segments(
        &self,
        request: Request<ListSegmentsRequest>,
    ) -> Result<Response<ListSegmentsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn update_segment(
        &self,
        request: Request<UpdateSegmentRequest>,
    ) -> Result<Response<Segment>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(update::update(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn delete_segment(
        &self,
        request: Request<DeleteSegmentRequest>,
    ) -> Result<Response<Segment>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(delete::delete(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn preview_segment(
        &self,
        request: Request<PreviewSegmentRequest>,
    ) -> Result<Response<PreviewSegmentResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(preview::preview(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn count_segment(
        &self,
        request: Request<CountSegmentRequest>,
    ) -> Result<Response<CountSegmentResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(count::count(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_segment_customers(
        &self,
        request: Request<ListSegmentCustomersRequest>,
    ) -> Result<Response<ListSegmentCustomersResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list_customers::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn stream_segment_customers(
        &self,
        request: Request<StreamSegmentCustomersRequest>,
    ) -> Result<Response<Self::StreamSegmentCustomersStream>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(stream::stream(&self.0, &caller, &request.into_inner()).await?))
    }
}
