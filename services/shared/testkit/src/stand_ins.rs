//! Stand-ins for the peers of the role under test: they run in the same process and behind the same layers as the real ones,
//! and answer only what a test needs.

use async_trait::async_trait;
use foursight_proto::identity::v1::{
    CreateTokenRequest, ListKeysRequest, ListKeysResponse, RevokeTokenRequest, Token,
    directory_service_server::DirectoryServiceServer,
    token_service_server::{TokenService, TokenServiceServer},
};
use foursight_runtime::{Role, RoleContext, RoleParts};
use sqlx::migrate::Migrator;
use tonic::{Request, Response, Status, service::Routes};

use crate::{Caller, Directory};

/// A role that is some gRPC services and nothing else.
#[derive(Debug)]
pub struct StandIn {
    name: &'static str,
    routes: Routes,
}

impl StandIn {
    /// Stands in for the role of this name.
    pub fn new(name: &'static str, routes: Routes) -> Self {
        Self { name, routes }
    }
}

#[async_trait]
impl Role for StandIn {
    fn name(&self) -> &'static str {
        self.name
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        Ok(RoleParts { routes: self.routes.clone(), ..RoleParts::default() })
    }
}

/// Identity, which gives this caller's token to everybody, and knows whom the directory knows.
pub(crate) fn identity(caller: &Caller, directory: Directory) -> StandIn {
    let access_token = caller.authorization.trim_start_matches("Bearer ").to_owned();
    let token = Token { access_token, ..Token::default() };
    let routes = Routes::new(TokenServiceServer::new(OneToken(token)))
        .add_service(DirectoryServiceServer::new(directory));
    StandIn::new("identity", routes)
}

struct OneToken(Token);

#[async_trait]
impl TokenService for OneToken {
    async fn create_token(&self, _: Request<CreateTokenRequest>) -> Result<Response<Token>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn revoke_token(&self, _: Request<RevokeTokenRequest>) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("a stand-in forgets no token"))
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented("a stand-in has no keys"))
    }
}
