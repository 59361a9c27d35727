//! Who works where, for roles that look it up at identity.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use foursight_access::rights;
use foursight_kernel::{StaffId, StoreId};
use foursight_proto::identity::v1::{
    Calendar, CreateStaffRequest, CreateStoreRequest, DeactivateStaffRequest, GetMeRequest, GetStaffRequest,
    GetStoreRequest, ListStaffRequest, ListStaffResponse, ListStoresRequest, ListStoresResponse, Role, Staff,
    Store, UpdateStoreCalendarRequest, directory_service_server::DirectoryService,
};
use tonic::{Request, Response, Status};

/// The staff that a stand-in for identity knows; everybody else is unknown to it. Clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Directory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    staff: HashMap<String, Staff>,
    no_stores: HashSet<String>,
    time_zones: HashMap<String, String>,
    away: bool,
    asked: usize,
}

impl Directory {
    /// Somebody works so at these stores from now on; at none means at headquarters.
    pub fn tell(&self, id: StaffId, roles: &[Role], stores: &[StoreId], active: bool) {
        let staff = Staff {
            name: id.name(),
            roles: roles.iter().map(|role| (*role).into()).collect(),
            stores: stores.iter().map(|store| store.name()).collect(),
            headquarters: stores.is_empty(),
            rights: rights::rights_of_all(roles),
            active,
            ..Staff::default()
        };
        self.state(|state| state.staff.insert(id.name(), staff));
    }

    /// There is no store of this id; all others are there.
    pub fn without_store(&self, store: StoreId) {
        self.state(|state| state.no_stores.insert(store.name()));
    }

    /// The store has this time zone.
    pub fn with_time_zone(&self, store: StoreId, zone: &str) {
        self.state(|state| state.time_zones.insert(store.name(), zone.to_owned()));
    }

    /// Whether identity is away.
    pub fn away(&self, away: bool) {
        self.state(|state| state.away = away);
    }

    /// How often it was asked about somebody.
    pub fn asked(&self) -> usize {
        self.state(|state| state.asked)
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn unanswered<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a stand-in tells only who somebody is"))
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn get_staff(&self, request: Request<GetStaffRequest>) -> Result<Response<Staff>, Status> {
        self.state(|state| {
            state.asked += 1;
            if state.away {
                return Err(Status::unavailable("away"));
            }
            let found = state.staff.get(&request.get_ref().name).cloned();
            found.map(Response::new).ok_or_else(|| Status::not_found("nobody"))
        })
    }

    async fn get_me(&self, _: Request<GetMeRequest>) -> Result<Response<Staff>, Status> {
        unanswered()
    }

    async fn list_stores(
        &self,
        _: Request<ListStoresRequest>,
    ) -> Result<Response<ListStoresResponse>, Status> {
        unanswered()
    }

    async fn get_store(&self, request: Request<GetStoreRequest>) -> Result<Response<Store>, Status> {
        let name = request.into_inner().name;
        self.state(|state| match (state.away, state.no_stores.contains(&name)) {
            (true, _) => Err(Status::unavailable("away")),
            (false, true) => Err(Status::not_found("no store")),
            (false, false) => {
                let calendar = state.time_zones.get(&name).cloned();
                let calendar = calendar.map(|time_zone| Calendar { time_zone, ..Calendar::default() });
                Ok(Response::new(Store { name, calendar, ..Store::default() }))
            }
        })
    }

    async fn create_store(&self, _: Request<CreateStoreRequest>) -> Result<Response<Store>, Status> {
        unanswered()
    }

    async fn update_store_calendar(
        &self,
        _: Request<UpdateStoreCalendarRequest>,
    ) -> Result<Response<Store>, Status> {
        unanswered()
    }

    async fn list_staff(&self, _: Request<ListStaffRequest>) -> Result<Response<ListStaffResponse>, Status> {
        unanswered()
    }

    async fn create_staff(&self, _: Request<CreateStaffRequest>) -> Result<Response<Staff>, Status> {
        unanswered()
    }

    async fn deactivate_staff(&self, _: Request<DeactivateStaffRequest>) -> Result<Response<Staff>, Status> {
        unanswered()
    }
}
