//! Bringing old data in: `ImportService`, and the worker that carries runs out.
//!
//! A file comes in sealed pieces ([`chunks`]). The worker ([`worker`]) reads it through, notes by keyed hashes who each row
//! is, finds the rows that lead to the same person, and then takes them in batches: each batch is one transaction with what it
//! writes, its events, its rows' outcomes, and how far the run is. So a run that is stopped anywhere goes on there. What is different
//! for customers, cars and so on stands in a folder for each ([`kind`]).

mod append;
mod cancel;
mod chunks;
mod columns;
mod create;
mod customers;
mod deliveries;
mod get;
mod history;
mod kind;
mod list;
mod list_rows;
mod outcome;
mod owner;
mod points;
mod read_errors;
mod reading;
mod reason;
mod run;
mod run_step;
mod start;
mod undo;
mod vehicles;
mod visits;
mod watch;
mod worker;

use foursight_kernel::Error;
use foursight_proto::customer::v1::{
    AppendImportDataRequest, CancelImportRequest, CreateImportRequest, GetImportRequest, Import,
    ListImportRowsRequest, ListImportRowsResponse, ListImportsRequest, ListImportsResponse,
    ReadImportErrorsRequest, ReadImportErrorsResponse, StartImportRequest, UndoImportRequest,
    WatchImportRequest, import_service_server::ImportService,
};
use tonic::{Request, Response, Status};

pub(crate) use worker::workers;

use crate::context::Context;

/// What an operation on a run is refused for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// None, or not for this caller.
    #[error("there is no such import, or not in the caller's stores")]
    NotFound,
    /// The piece belongs elsewhere.
    #[error("the file's next piece begins at {0} bytes; go on there")]
    Offset(i64),
    /// The file is complete.
    #[error("the run has begun; its file takes no more pieces")]
    NotUploading,
    /// More than is taken.
    #[error(
        "a file has at most 1 GiB and 20,000 pieces; send larger pieces, or parts of the file as files of their own"
    )]
    TooLarge,
    /// Nothing to read.
    #[error("no piece of the file is here yet; append its data first")]
    Empty,
    /// Not now.
    #[error("{0}")]
    State(&'static str),
    /// The bytes were removed.
    #[error(
        "the file was removed, 7 days after the last that happened with the run; send it again as a new import"
    )]
    Removed,
    /// Every row was taken.
    #[error("there is no file of rows that were not taken, or it was removed")]
    NoErrorFile,
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        let message = error.to_string();
        match error {
            ImportError::NotFound => Self::not_found("IMPORT_NOT_FOUND", message),
            ImportError::Offset(size) => Self::failed_precondition("IMPORT_OFFSET", message)
                .with_metadata("size_bytes", size.to_string()),
            ImportError::NotUploading => Self::failed_precondition("IMPORT_BEGUN", message),
            ImportError::TooLarge => Self::failed_precondition("IMPORT_TOO_LARGE", message),
            ImportError::Empty => Self::failed_precondition("IMPORT_EMPTY", message),
            ImportError::State(_) => Self::failed_precondition("IMPORT_STATE", message),
            ImportError::Removed => Self::failed_precondition("IMPORT_FILE_REMOVED", message),
            ImportError::NoErrorFile => Self::not_found("IMPORT_HAS_NO_ERROR_FILE", message),
        }
    }
}

/// `ImportService`, on this room.
#[derive(Clone)]
pub(crate) struct Imports(pub(crate) Context);

#[tonic::async_trait]
impl ImportService for Imports {
    async fn create_import(&self, request: Request<CreateImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn append_import_data(
        &self,
        request: Request<AppendImportDataRequest>,
    ) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(append::append(&self.0, &caller, request.into_inner()).await?))
    }

    async fn start_import(&self, request: Request<StartImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(start::start(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_import(&self, request: Request<GetImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_imports(
        &self,
        request: Request<ListImportsRequest>,
    ) -> Result<Response<ListImportsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn watch_import(&self, request: Request<WatchImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(watch::watch(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_import_rows(
        &self,
        request: Request<ListImportRowsRequest>,
    ) -> Result<Response<ListImportRowsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list_rows::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn read_import_errors(
        &self,
        request: Request<ReadImportErrorsRequest>,
    ) -> Result<Response<ReadImportErrorsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(read_errors::read(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn undo_import(&self, request: Request<UndoImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(undo::undo(&self.0, &caller, request.into_inner()).await?))
    }

    async fn cancel_import(&self, request: Request<CancelImportRequest>) -> Result<Response<Import>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(cancel::cancel(&self.0, &caller, request.into_inner()).await?))
    }
}
