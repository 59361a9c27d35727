//! The peers that the service asks: notification for a call's words, customer for who may be known.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use foursight_proto::{
    customer::v1::{self as customer, customer_service_server},
    notification::v1::{self as notification, Satisfaction, call_task_service_server},
};
use foursight_testkit::StandIn;
use tonic::{Request, Response, Status, service::Routes};

/// What every follow-up call's customer said.
pub(crate) const WORDS: &str = "交车时承诺的脚垫一直没有给";

/// Knows every call task; away when it is told to be.
#[derive(Clone, Default)]
pub(crate) struct Notification {
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
        Ok(Response::new(notification::CallTask { name, attempts: vec![attempt], ..Default::default() }))
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

/// Knows no customer at all.
pub(crate) fn customers() -> StandIn {
    StandIn::new("customer", Routes::new(customer_service_server::CustomerServiceServer::new(Customers)))
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
