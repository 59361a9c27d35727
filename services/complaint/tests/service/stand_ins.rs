//! The peers that the service asks: notification for a call's words, customer for who may be known.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use foursight_kernel::StoreId;
use foursight_proto::{
    customer::v1::{self as customer, customer_service_server, vehicle_service_server, visit_service_server},
    notification::v1::{self as notification, Satisfaction, call_task_service_server},
};
use foursight_testkit::StandIn;
use tonic::{Request, Response, Status, service::Routes};

/// What every follow-up call's customer said.
pub(crate) const WORDS: &str = "交车时承诺的脚垫一直没有给";

/// What cases are about, by name, and of which store it is.
#[derive(Clone, Default)]
pub(crate) struct Subjects(Arc<Mutex<HashMap<String, StoreId>>>);

impl Subjects {
    pub(crate) fn know(&self, name: &str, store: StoreId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), store);
    }

    fn store(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(|store| store.name())
    }

    fn require(&self, name: &str) -> Result<String, Status> {
        self.store(name).ok_or_else(|| Status::not_found("nothing of that name is known here"))
    }
}

/// Knows every call task; away when it is told to be.
#[derive(Clone, Default)]
pub(crate) struct Notification {
    pub(crate) subjects: Subjects,
    pub(crate) away: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Notification {
    pub(crate) fn role(&self) -> StandIn {
        let service = call_task_service_server::CallTaskServiceServer::new(self.clone());
        StandIn::new("notification", Routes::new(service))
    }
}

#[tonic::async_trait]
impl call_task_service_server::CallTaskService for Notification {
    async fn get_call_task(
        &self,
        request: Request<notification::GetCallTaskRequest>,
    ) -> Result<Response<notification::CallTask>, Status> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let attempt = notification::CallAttempt {
            number: 1,
            satisfaction: Satisfaction::Dissatisfied.into(),
            note: WORDS.to_owned(),
            ..Default::default()
        };
        let name = request.into_inner().name;
        let store = self.subjects.store(&name).unwrap_or_default();
        let attempts = vec![attempt];
        Ok(Response::new(notification::CallTask { name, store, attempts, ..Default::default() }))
    }

    async fn list_call_tasks(
        &self,
        _: Request<notification::ListCallTasksRequest>,
    ) -> Result<Response<notification::ListCallTasksResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn assign_call_task(
        &self,
        _: Request<notification::AssignCallTaskRequest>,
    ) -> Result<Response<notification::CallTask>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn record_call_attempt(
        &self,
        _: Request<notification::RecordCallAttemptRequest>,
    ) -> Result<Response<notification::CallTask>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}

/// Knows no customer at all, and the visits and cars that cases are about.
pub(crate) fn customers(notification: &Notification) -> StandIn {
    let subjects = &notification.subjects;
    let routes = Routes::new(customer_service_server::CustomerServiceServer::new(Customers))
        .add_service(visit_service_server::VisitServiceServer::new(subjects.clone()))
        .add_service(vehicle_service_server::VehicleServiceServer::new(subjects.clone()));
    StandIn::new("customer", routes)
}

#[tonic::async_trait]
impl visit_service_server::VisitService for Subjects {
    async fn get_visit(
        &self,
        request: Request<customer::GetVisitRequest>,
    ) -> Result<Response<customer::Visit>, Status> {
        let name = request.into_inner().name;
        let store = self.require(&name)?;
        Ok(Response::new(customer::Visit { name, store, ..Default::default() }))
    }

    async fn create_visit(
        &self,
        _: Request<customer::CreateVisitRequest>,
    ) -> Result<Response<customer::Visit>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn complete_visit(
        &self,
        _: Request<customer::CompleteVisitRequest>,
    ) -> Result<Response<customer::Visit>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}

#[tonic::async_trait]
impl vehicle_service_server::VehicleService for Subjects {
    async fn get_vehicle(
        &self,
        request: Request<customer::GetVehicleRequest>,
    ) -> Result<Response<customer::Vehicle>, Status> {
        let name = request.into_inner().name;
        self.require(&name)?;
        Ok(Response::new(customer::Vehicle { name, ..Default::default() }))
    }

    async fn correct_odometer(
        &self,
        _: Request<customer::CorrectOdometerRequest>,
    ) -> Result<Response<customer::Vehicle>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn correct_plate(
        &self,
        _: Request<customer::CorrectPlateRequest>,
    ) -> Result<Response<customer::Vehicle>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn update_vehicle(
        &self,
        _: Request<customer::UpdateVehicleRequest>,
    ) -> Result<Response<customer::Vehicle>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_vehicle_facts(
        &self,
        _: Request<customer::ListVehicleFactsRequest>,
    ) -> Result<Response<customer::ListVehicleFactsResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_odometer_readings(
        &self,
        _: Request<customer::ListOdometerReadingsRequest>,
    ) -> Result<Response<customer::ListOdometerReadingsResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_vehicles(
        &self,
        _: Request<customer::ListVehiclesRequest>,
    ) -> Result<Response<customer::ListVehiclesResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}

struct Customers;

#[tonic::async_trait]
impl customer_service_server::CustomerService for Customers {
    async fn create_customer(
        &self,
        _: Request<customer::CreateCustomerRequest>,
    ) -> Result<Response<customer::Customer>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn get_customer(
        &self,
        _: Request<customer::GetCustomerRequest>,
    ) -> Result<Response<customer::Customer>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn list_customers(
        &self,
        _: Request<customer::ListCustomersRequest>,
    ) -> Result<Response<customer::ListCustomersResponse>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn update_customer(
        &self,
        _: Request<customer::UpdateCustomerRequest>,
    ) -> Result<Response<customer::Customer>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn list_facts(
        &self,
        _: Request<customer::ListFactsRequest>,
    ) -> Result<Response<customer::ListFactsResponse>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn add_contact_point(
        &self,
        _: Request<customer::AddContactPointRequest>,
    ) -> Result<Response<customer::Customer>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn end_contact_point(
        &self,
        _: Request<customer::EndContactPointRequest>,
    ) -> Result<Response<customer::Customer>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn reveal_field(
        &self,
        _: Request<customer::RevealFieldRequest>,
    ) -> Result<Response<customer::RevealFieldResponse>, Status> {
        Err(Status::not_found("nobody is known here"))
    }

    async fn list_timeline_entries(
        &self,
        _: Request<customer::ListTimelineEntriesRequest>,
    ) -> Result<Response<customer::ListTimelineEntriesResponse>, Status> {
        Err(Status::not_found("nobody is known here"))
    }
}
