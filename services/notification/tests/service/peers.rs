//! The peers that notification asks: just enough of identity to sign it in, and the customer service's answer about
//! contacts as its proto has it, in the same process and behind the same layers as the real ones.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use foursight_kernel::CustomerId;
use foursight_proto::{
    customer::v1::{
        ContactKind, Purpose, Resolution, ResolveContactsRequest, ResolveContactsResponse, ResolvedContact,
        contact_service_server::{ContactService, ContactServiceServer},
    },
    identity::v1::{
        CreateTokenRequest, ListKeysRequest, ListKeysResponse, RevokeTokenRequest, Token,
        token_service_server::{TokenService, TokenServiceServer},
    },
};
use foursight_runtime::{Role, RoleContext, RoleParts};
use sqlx::migrate::Migrator;
use tonic::{Request, Response, Status, async_trait, service::Routes};

/// Hands out the token that the test gives it.
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
        let routes = Routes::new(TokenServiceServer::new(self.clone()));
        Ok(RoleParts { routes, ..RoleParts::default() })
    }
}

#[async_trait]
impl TokenService for Identity {
    async fn create_token(&self, _: Request<CreateTokenRequest>) -> Result<Response<Token>, Status> {
        let token = self.0.get().ok_or_else(|| Status::unavailable("not yet"))?;
        Ok(Response::new(Token { access_token: token.clone(), ..Token::default() }))
    }

    async fn revoke_token(&self, _: Request<RevokeTokenRequest>) -> Result<Response<()>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Answers about the contacts that the test gives it; about everybody else with UNKNOWN.
#[derive(Clone, Default)]
pub(crate) struct Customer(Arc<Mutex<Contacts>>);

#[derive(Default)]
struct Contacts {
    known: HashMap<String, (Resolution, &'static str)>,
    away: bool,
}

impl Customer {
    /// What is to be answered about a customer from now on.
    pub(crate) fn answers(&self, customer: CustomerId, resolution: Resolution, address: &'static str) {
        self.0.lock().unwrap().known.insert(customer.name(), (resolution, address));
    }

    /// Whether the service is away.
    pub(crate) fn away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }
}

#[async_trait]
impl Role for Customer {
    fn name(&self) -> &'static str {
        "customer"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        let routes = Routes::new(ContactServiceServer::new(self.clone()));
        Ok(RoleParts { routes, ..RoleParts::default() })
    }
}

#[async_trait]
impl ContactService for Customer {
    async fn resolve_contacts(
        &self,
        request: Request<ResolveContactsRequest>,
    ) -> Result<Response<ResolveContactsResponse>, Status> {
        let request = request.into_inner();
        assert_eq!((request.purpose(), request.contact_kind()), (Purpose::Service, ContactKind::Email));
        let contacts = self.0.lock().unwrap();
        if contacts.away {
            return Err(Status::unavailable("away"));
        }
        let answer = |customer: String| {
            let (resolution, address) =
                contacts.known.get(&customer).copied().unwrap_or((Resolution::Unknown, ""));
            let reachable = resolution == Resolution::Reachable;
            ResolvedContact {
                customer,
                resolution: resolution.into(),
                address: if reachable { address.to_owned() } else { String::new() },
                display_name: if reachable { "Wei Example".to_owned() } else { String::new() },
            }
        };
        let contacts = request.customers.into_iter().map(answer).collect();
        Ok(Response::new(ResolveContactsResponse { contacts }))
    }
}
