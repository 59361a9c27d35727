//! The points ledger 积分. Entries are added and never changed; a balance is their sum.

mod list;

use foursight_proto::customer::v1::{
    ListPointsEntriesRequest, ListPointsEntriesResponse, points_service_server::PointsService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// `PointsService`, on this room.
#[derive(Clone)]
pub(crate) struct Points(pub(crate) Context);

#[tonic::async_trait]
impl PointsService for Points {
    async fn list_points_entries(
        &self,
        request: Request<ListPointsEntriesRequest>,
    ) -> Result<Response<ListPointsEntriesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
