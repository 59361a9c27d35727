//! Making two files of one customer one, and taking that back.
//!
//! | file | what it does |
//! |---|---|
//! | `two` | the two files of a merge, locked and read; what stands against it; which facts hold |
//! | `reseal` | what is sealed under the absorbed file's key, for the survivor's |
//! | `preview`, `merge` | what a merge would do, and doing it |
//! | `preview_undo`, `undo` | the same for taking it back |
//! | `consents` | what one file has withdrawn is withdrawn |
//! | `parts` | the files that are one file now |
//! | `contents` | how much of each kind follows, goes back or stays |
//! | `forget` | the worker that lets go of what it takes to undo |
//!
//! Rows that are plain follow inside the database (`absorb_file`, `part_files` in the migrations), since a caller does not see all of them:
//! another store's lead follows, too.

mod consents;
mod contents;
mod forget;
mod list;
mod merge;
mod parts;
mod preview;
mod preview_undo;
mod reseal;
mod row;
mod two;
mod undo;

use foursight_kernel::{CustomerId, Error};
use foursight_proto::customer::v1::{
    ListMergesRequest, ListMergesResponse, Merge, MergeCustomersRequest, MergeObstacle, PreviewMergeRequest,
    PreviewMergeResponse, PreviewUndoMergeRequest, PreviewUndoMergeResponse, UndoMergeRequest,
    merge_service_server::MergeService,
};
use tonic::{Request, Response, Status};

pub(crate) use {forget::Forget, parts::parts};

use crate::context::Context;

/// What a merge, or its undoing, is refused for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("there is no such merge, or not in the caller's stores")]
    NotFound,
    #[error("the two files cannot be merged: {}", words(.0))]
    Refused(Vec<MergeObstacle>),
    #[error("what the files have in common says little; give a reason why they are one customer's")]
    ReasonRequired,
    #[error("a merge can be undone for 30 days; this one is older")]
    Final,
    #[error("the merge was undone already")]
    Undone,
    #[error("the surviving file was itself absorbed since; undo that merge first")]
    SurvivorAbsorbed(CustomerId),
}

fn words(obstacles: &[MergeObstacle]) -> String {
    let words = obstacles.iter().map(|obstacle| match obstacle {
        MergeObstacle::KindsDiffer => "one is a person's, the other one an organization's",
        MergeObstacle::NationalIdsDiffer => "two id numbers are two people; correct the wrong one first",
        MergeObstacle::ContactPointsFull => {
            "together they have more than 20 contact points that hold; end some first"
        }
        MergeObstacle::TagsFull => "together they have more than 50 tags; take some off first",
        MergeObstacle::Unspecified => "something stands against it",
    });
    words.collect::<Vec<_>>().join("; ")
}

impl From<MergeError> for Error {
    fn from(error: MergeError) -> Self {
        let message = error.to_string();
        match error {
            MergeError::NotFound => Self::not_found("MERGE_NOT_FOUND", message),
            MergeError::Refused(obstacles) => {
                let names: Vec<&str> = obstacles.iter().map(MergeObstacle::as_str_name).collect();
                Self::failed_precondition("MERGE_REFUSED", message)
                    .with_metadata("obstacles", names.join(","))
            }
            MergeError::ReasonRequired => Self::invalid_field("reason", message),
            MergeError::Final => Self::failed_precondition("MERGE_FINAL", message),
            MergeError::Undone => Self::failed_precondition("MERGE_UNDONE", message),
            MergeError::SurvivorAbsorbed(by) => {
                Self::failed_precondition("SURVIVOR_ABSORBED", message).with_metadata("customer", by.name())
            }
        }
    }
}

/// `MergeService`, on this room.
#[derive(Clone)]
pub(crate) struct Merges(pub(crate) Context);

#[tonic::async_trait]
impl MergeService for Merges {
    async fn preview_merge(
        &self,
        request: Request<PreviewMergeRequest>,
    ) -> Result<Response<PreviewMergeResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(preview::preview(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn merge_customers(
        &self,
        request: Request<MergeCustomersRequest>,
    ) -> Result<Response<Merge>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(merge::merge(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_merges(
        &self,
        request: Request<ListMergesRequest>,
    ) -> Result<Response<ListMergesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn preview_undo_merge(
        &self,
        request: Request<PreviewUndoMergeRequest>,
    ) -> Result<Response<PreviewUndoMergeResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(preview_undo::preview(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn undo_merge(&self, request: Request<UndoMergeRequest>) -> Result<Response<Merge>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(undo::undo(&self.0, &caller, &request.into_inner()).await?))
    }
}
