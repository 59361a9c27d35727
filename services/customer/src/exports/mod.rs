//! Taking lists of customers out: files as CSV or XLSX, whose purpose stays on record.
//!
//! Files are read by batches in the order of the list (`run`), opened on all cores, and written by one writer (`table`); what is written
//! leaves in pieces. Memory holds some batches, whatever the list has. A workbook's rows wait in memory's folder.

mod columns;
mod list;
mod record;
mod request;
mod run;
mod table;

use std::sync::Arc;

use foursight_kernel::Error;
use foursight_proto::{
    customer::v1::{
        ExportCustomersRequest, ListExportsRequest, ListExportsResponse, export_service_server::ExportService,
    },
    google::api::HttpBody,
};
use futures::stream::BoxStream;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, metadata::MetadataValue};

use crate::context::Context;

/// How many files are made at once.
const AT_ONCE: usize = 4;
/// Customers in a workbook: all of its rows are in memory before the first one leaves.
const MOST_IN_XLSX: i64 = 200_000;

/// What an export is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExportError {
    #[error("a workbook takes {MOST_IN_XLSX} customers; take a CSV, or fewer customers")]
    TooLarge,
    #[error("whole numbers need the right customer.reveal, too; leave unmasked out")]
    MayNotReveal,
    #[error("{AT_ONCE} files are being made already; try again when one of them is there")]
    TooMany,
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        let message = error.to_string();
        match error {
            ExportError::TooLarge => Self::failed_precondition("EXPORT_TOO_LARGE", message),
            ExportError::MayNotReveal => {
                Self::permission_denied("RIGHT_MISSING", message).with_metadata("right", "customer.reveal")
            }
            ExportError::TooMany => {
                Self::unavailable("TOO_MANY_EXPORTS", message, std::time::Duration::from_secs(10))
            }
        }
    }
}

/// `ExportService`, on this room.
#[derive(Clone)]
pub(crate) struct Exports {
    ctx: Context,
    permits: Arc<Semaphore>,
}

impl Exports {
    pub(crate) fn new(ctx: Context) -> Self {
        Self { ctx, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

#[tonic::async_trait]
impl ExportService for Exports {
    type ExportCustomersStream = BoxStream<'static, Result<HttpBody, Status>>;

    async fn export_customers(
        &self,
        request: Request<ExportCustomersRequest>,
    ) -> Result<Response<Self::ExportCustomersStream>, Status> {
        let caller = foursight_access::caller(&request)?;
        let (name, pieces) = run::export(&self.ctx, &self.permits, &caller, request.into_inner()).await?;
        let mut response = Response::new(pieces);
        let disposition = format!("attachment; filename=\"{name}\"");
        let disposition = MetadataValue::try_from(disposition).map_err(Error::internal)?;
        response.metadata_mut().insert("content-disposition", disposition);
        Ok(response)
    }

    async fn list_exports(
        &self,
        request: Request<ListExportsRequest>,
    ) -> Result<Response<ListExportsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.ctx, &caller, &request.into_inner()).await?))
    }
}
