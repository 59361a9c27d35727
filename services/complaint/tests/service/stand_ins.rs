//! The peers that the service asks: notification for a call's words, customer for who may be known, identity for the
//! token with which it asks.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use foursight_proto::{
    customer::v1::{self as customer, customer_service_server},
    identity::v1::{self as identity, token_service_server},
    notification::v1::{self as notification, Satisfaction, call_task_service_server},
};
use foursight_runtime::{Role, RoleContext, RoleParts};
use sqlx::migrate::Migrator;
use tonic::{Request, Response, Status, service::Routes};

/// What every follow-up call's customer said.
pub(crate) const WORDS: &str = "交车时承诺的脚垫一直没有给";

/// Knows every call task; away when it is told to be.
#[derive(Clone, Default)]
pub(crate) struct Notification {
    pub(crate) away: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Role for Notification {
    fn name(&self) -> &'static str {
        "notification"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        let routes = Routes::new(call_task_service_server::CallTaskServiceServer::new(self.clone()));
        Ok(RoleParts { routes, ..RoleParts::default() })
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
pub(crate) struct Customers;

#[async_trait]
impl Role for Customers {
    fn name(&self) -> &'static str {
        "customer"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        let routes = Routes::new(customer_service_server::CustomerServiceServer::new(Self));
        Ok(RoleParts { routes, ..RoleParts::default() })
    }
}

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

/// Gives every service one token, once it is known.
#[derive(Clone, Default)]
pub(crate) struct Identity(pub(crate) Arc<OnceLock<String>>);

#[async_trait]
impl Role for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        let routes = Routes::new(token_service_server::TokenServiceServer::new(self.clone()));
        Ok(RoleParts { routes, ..RoleParts::default() })
    }
}

#[tonic::async_trait]
impl token_service_server::TokenService for Identity {
    async fn create_token(
        &self,
        _: Request<identity::CreateTokenRequest>,
    ) -> Result<Response<identity::Token>, Status> {
        let token = self.0.get().ok_or_else(|| Status::unavailable("no token yet"))?;
        Ok(Response::new(identity::Token { access_token: token.clone(), ..Default::default() }))
    }

    async fn revoke_token(&self, _: Request<identity::RevokeTokenRequest>) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_keys(
        &self,
        _: Request<identity::ListKeysRequest>,
    ) -> Result<Response<identity::ListKeysResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}
