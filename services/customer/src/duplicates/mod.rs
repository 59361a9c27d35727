//! Files that may be of one customer: found on entry, among new files and among all; decided by people.
//!
//! | file | what it does |
//! |---|---|
//! | `score` | how likely what two files have in common makes them one customer's; pure |
//! | `traits` | what files are compared by |
//! | `near` | which files are worth comparing with one |
//! | `find` | for somebody who is about to be entered |
//! | `pass` | the worker that looks at new files, and through all of them each night |
//! | `list`, `dismiss` | the pairs that people decide |

mod dismiss;
mod find;
mod gather;
mod list;
mod near;
mod pass;
mod row;
mod score;
mod traits;

use foursight_proto::customer::v1::{
    DismissDuplicateRequest, Duplicate, FindDuplicatesRequest, FindDuplicatesResponse, ListDuplicatesRequest,
    ListDuplicatesResponse, duplicate_service_server::DuplicateService,
};
use tonic::{Request, Response, Status};

pub(crate) use pass::Pass;
pub(crate) use score::{SURE, Signs};
pub(crate) use traits::load;

use crate::context::Context;

/// `DuplicateService`, on this room.
#[derive(Clone)]
pub(crate) struct Duplicates(pub(crate) Context);

#[tonic::async_trait]
impl DuplicateService for Duplicates {
    async fn find_duplicates(
        &self,
        request: Request<FindDuplicatesRequest>,
    ) -> Result<Response<FindDuplicatesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(find::find(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_duplicates(
        &self,
        request: Request<ListDuplicatesRequest>,
    ) -> Result<Response<ListDuplicatesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn dismiss_duplicate(
        &self,
        request: Request<DismissDuplicateRequest>,
    ) -> Result<Response<Duplicate>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(dismiss::dismiss(&self.0, &caller, &request.into_inner()).await?))
    }
}
