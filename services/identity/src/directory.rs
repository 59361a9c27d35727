//! The directory: the group's stores and staff, as `DirectoryService` serves them.

use foursight_access::caller;
use foursight_kernel::{Ids, SharedClock};
use foursight_proto::identity::v1::{
    CreateStaffRequest, CreateStoreRequest, DeactivateStaffRequest, GetMeRequest, GetStaffRequest,
    GetStoreRequest, ListStaffRequest, ListStaffResponse, ListStoresRequest, ListStoresResponse, Staff,
    Store, UpdateStoreCalendarRequest, directory_service_server::DirectoryService,
};
use foursight_runtime::Database;
use tonic::{Request, Response, Status};

use crate::{password::Passwords, staff, stores};

/// What the directory's operations work with.
pub(crate) struct Directory {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) passwords: std::sync::Arc<Passwords>,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn get_me(&self, request: Request<GetMeRequest>) -> Reply<Staff> {
        let caller = caller(&request)?;
        Ok(Response::new(staff::me::me(self, &caller).await?))
    }

    async fn list_stores(&self, request: Request<ListStoresRequest>) -> Reply<ListStoresResponse> {
        let caller = caller(&request)?;
        Ok(Response::new(stores::list::list(self, &caller, request.get_ref()).await?))
    }

    async fn get_store(&self, request: Request<GetStoreRequest>) -> Reply<Store> {
        let caller = caller(&request)?;
        Ok(Response::new(stores::get::get(self, &caller, request.get_ref()).await?))
    }

    async fn create_store(&self, request: Request<CreateStoreRequest>) -> Reply<Store> {
        let caller = caller(&request)?;
        Ok(Response::new(stores::create::create(self, &caller, request.get_ref()).await?))
    }

    async fn update_store_calendar(&self, request: Request<UpdateStoreCalendarRequest>) -> Reply<Store> {
        let caller = caller(&request)?;
        Ok(Response::new(stores::update_calendar::update(self, &caller, request.get_ref()).await?))
    }

    async fn list_staff(&self, request: Request<ListStaffRequest>) -> Reply<ListStaffResponse> {
        let caller = caller(&request)?;
        Ok(Response::new(staff::list::list(self, &caller, request.get_ref()).await?))
    }

    async fn get_staff(&self, request: Request<GetStaffRequest>) -> Reply<Staff> {
        let caller = caller(&request)?;
        Ok(Response::new(staff::get::get(self, &caller, request.get_ref()).await?))
    }

    async fn create_staff(&self, request: Request<CreateStaffRequest>) -> Reply<Staff> {
        let caller = caller(&request)?;
        Ok(Response::new(staff::create::create(self, &caller, request.into_inner()).await?))
    }

    async fn deactivate_staff(&self, request: Request<DeactivateStaffRequest>) -> Reply<Staff> {
        let caller = caller(&request)?;
        Ok(Response::new(staff::deactivate::deactivate(self, &caller, request.get_ref()).await?))
    }
}
