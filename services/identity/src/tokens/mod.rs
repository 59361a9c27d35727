//! Sign-in: access tokens that live for minutes, sessions with refresh tokens that live for days, and the keys.

mod brake;
mod holder;
mod keyring;
mod password;
mod refresh;
mod revoke;
mod service;
pub(crate) mod session;
mod sweep;

use std::sync::Arc;

use foursight_access::{Claims, Issuer, audit};
use foursight_kernel::{Error, Ids, Result, SharedClock, StaffId, time};
use foursight_proto::identity::v1::{
    self as proto, CreateTokenRequest, ListKeysRequest, ListKeysResponse, RevokeTokenRequest,
    create_token_request::Grant, token_service_server::TokenService,
};
use foursight_runtime::{Database, edge::CLIENT_NETWORK};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use self::{holder::Holder, session::RefreshToken};
use crate::password::Passwords;

pub use self::keyring::sealed_by_version;
pub(crate) use self::{keyring::Keyring, service::ServiceSecrets, sweep::Sweep};

/// This service's own name, where it acts by itself.
const SERVICE: &str = "identity";

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lives {
    /// An access token. Somebody who left keeps access for at most this long.
    pub(crate) access: SignedDuration,
    /// A refresh token, and so the longest pause after which a session still goes on.
    pub(crate) refresh: SignedDuration,
}

/// What sign-in works with.
pub(crate) struct Tokens {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) secrets: ServiceSecrets,
    pub(crate) lives: Lives,
}

impl Tokens {
    fn sign(
        &self,
        issuer: &Issuer,
        holder: &Holder,
        now: Timestamp,
        refresh: Option<RefreshToken>,
    ) -> Result<proto::Token> {
        let claims =
            Claims::new(&holder.principal, holder.rights.clone(), now, self.lives.access, self.ids.uuid());
        let expires = Timestamp::from_second(claims.exp).map_err(Error::internal)?;
        Ok(proto::Token {
            access_token: issuer.sign(&claims)?,
            token_type: "Bearer".into(),
            expire_time: Some(time::to_proto(expires)),
            refresh_token: refresh.map(RefreshToken::into_text).unwrap_or_default(),
            staff: holder.principal.staff().map(StaffId::name).unwrap_or_default(),
        })
    }

    /// Notes the beginning or the end of a session. Its id is in the detail; a session has no name of its own.
    async fn record(
        &self,
        tx: &mut PgConnection,
        method: &'static str,
        holder: &Holder,
        session: Uuid,
    ) -> Result<()> {
        let action = audit::Action {
            method,
            resource: "tokens",
            store: None,
            detail: serde_json::json!({ "session": session }),
        };
        audit::record(tx, &holder.principal, self.clock.now(), action).await
    }
}

/// A refusal that says no more than it has to.
fn refused(reason: &'static str, message: &'static str) -> Error {
    Error::unauthenticated(reason, message)
}

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn create_token(
        &self,
        request: Request<CreateTokenRequest>,
    ) -> Result<Response<proto::Token>, Status> {
        let network = request.metadata().get(CLIENT_NETWORK).and_then(|value| value.to_str().ok());
        let network = network.unwrap_or_default().to_owned();
        let token = match request.into_inner().grant {
            Some(Grant::Password(grant)) => password::create(self, grant, &network).await?,
            Some(Grant::Refresh(grant)) => refresh::create(self, &grant).await?,
            Some(Grant::Service(grant)) => service::create(self, &grant).await?,
            None => {
                let message = "is required: one of password, refresh or service";
                return Err(Error::invalid_field("grant", message).into());
            }
        };
        Ok(Response::new(token))
    }

    async fn revoke_token(&self, request: Request<RevokeTokenRequest>) -> Result<Response<()>, Status> {
        revoke::revoke(self, request.get_ref()).await?;
        Ok(Response::new(()))
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        Ok(Response::new(ListKeysResponse { keys: self.keyring.published().await? }))
    }
}
