//! The directory of peers. A call to a peer has one type whether the peer runs in this process or across the network, and
//! passes the same layers both ways.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock, Weak},
    task::{Context, Poll},
    time::Duration,
};

use foursight_access::{KeySource, PublicKey};
use foursight_kernel::{Error, Result, SharedClock, time, trace};
use foursight_proto::identity::v1::{
    CreateTokenRequest, ListKeysRequest, ServiceGrant, create_token_request::Grant,
    token_service_client::TokenServiceClient,
};
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tonic::{Status, body::Body};
use tower::{BoxError, Service, util::BoxCloneSyncService};

use crate::{Settings, deadline};

/// What answers a peer's calls.
pub(crate) type PeerService = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// A service token is renewed when it has less than this left.
const RENEW_BEFORE_S: i64 = 60;

/// Put into a request's extensions: no service token may be added, the client has not signed in.
#[derive(Debug, Clone, Copy)]
pub struct Anonymous;

/// Where the peers are. Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    /// Weak, because the services in it hold their peers, and would never be dropped.
    directory: Weak<Directory>,
    tokens: Arc<ServiceTokens>,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").finish_non_exhaustive()
    }
}

impl Peers {
    /// A directory for one role, still empty; `secret` is what proves the role to identity.
    pub(crate) fn new(
        directory: &Arc<Directory>,
        role: &'static str,
        secret: Option<SecretString>,
        clock: SharedClock,
    ) -> Self {
        Self {
            directory: Arc::downgrade(directory),
            tokens: Arc::new(ServiceTokens { role, secret, clock, current: Mutex::new(None) }),
        }
    }

    /// A channel to a peer. It is found when it is first called, so that roles can be built in any order.
    pub fn channel(&self, service: &str) -> PeerChannel {
        PeerChannel { service: service.into(), peers: self.clone() }
    }

    fn find(&self, service: &str) -> Result<PeerService> {
        let directory = self.directory.upgrade();
        directory.and_then(|directory| directory.get(service)?.get().cloned()).ok_or_else(|| {
            Error::unavailable(
                "PEER_UNKNOWN",
                "a part of the system is not configured here",
                Duration::from_secs(5),
            )
        })
    }
}

/// The peers of a process, by name.
pub(crate) type Directory = HashMap<String, OnceLock<PeerService>>;

/// A directory with a place for every role, and the remote ones filled in.
pub(crate) fn directory(settings: &Settings, names: &[&str]) -> anyhow::Result<Arc<Directory>> {
    let mut directory = Directory::new();
    for name in names {
        let place = OnceLock::new();
        if let Some(address) = settings.service(name).address {
            let endpoint = tonic::transport::Endpoint::from_shared(address)?
                .connect_timeout(Duration::from_secs(3))
                .http2_keep_alive_interval(Duration::from_secs(20))
                .keep_alive_while_idle(true);
            let channel =
                tower::ServiceBuilder::new().map_err(BoxError::from).service(endpoint.connect_lazy());
            let _ = place.set(BoxCloneSyncService::new(channel));
        }
        directory.insert((*name).to_owned(), place);
    }
    Ok(Arc::new(directory))
}

/// A channel to a peer, for tonic's clients. Adds the service's own token unless the request carries one, the trace, and
/// what is left of the deadline.
#[derive(Debug, Clone)]
pub struct PeerChannel {
    service: Arc<str>,
    peers: Peers,
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let PeerChannel { service, peers } = self.clone();
        Box::pin(async move {
            let mut peer = match peers.find(&service) {
                Ok(peer) => peer,
                Err(error) => return Ok(Status::from(error).into_http()),
            };
            deadline::hand_on(request.headers_mut());
            if let Some(parent) = trace::traceparent().and_then(|parent| HeaderValue::from_str(&parent).ok())
            {
                request.headers_mut().insert("traceparent", parent);
            }
            let anonymous = request.extensions_mut().remove::<Anonymous>().is_some();
            if !anonymous && !request.headers().contains_key(AUTHORIZATION) {
                match peers.tokens.header(&peers).await {
                    Ok(header) => {
                        request.headers_mut().insert(AUTHORIZATION, header);
                    }
                    Err(error) => return Ok(Status::from(error).into_http()),
                }
            }
            std::future::poll_fn(|cx| peer.poll_ready(cx)).await?;
            match peer.call(request).await {
                Ok(response) => Ok(response),
                // The connection is what failed: the caller may try again.
                Err(error) => {
                    let message = "a part of the system does not answer now; try again";
                    let error =
                        Error::unavailable("PEER_AWAY", message, Duration::from_secs(1)).with_source(error);
                    Ok(Status::from(error).into_http())
                }
            }
        })
    }
}

/// The service's own token, renewed before it ends.
struct ServiceTokens {
    role: &'static str,
    secret: Option<SecretString>,
    clock: SharedClock,
    current: Mutex<Option<(HeaderValue, Timestamp)>>,
}

impl ServiceTokens {
    async fn header(&self, peers: &Peers) -> Result<HeaderValue> {
        let mut current = self.current.lock().await;
        let now = self.clock.now();
        if let Some((header, expires)) = &*current
            && expires.as_second() - now.as_second() > RENEW_BEFORE_S
        {
            return Ok(header.clone());
        }
        let secret = self.secret.as_ref().ok_or_else(|| {
            Error::internal(format!(
                "services.{}.secret is not set, so the service cannot call its peers",
                self.role
            ))
        })?;
        let grant = ServiceGrant { service: self.role.to_owned(), secret: secret.expose_secret().to_owned() };
        let mut request = tonic::Request::new(CreateTokenRequest { grant: Some(Grant::Service(grant)) });
        request.extensions_mut().insert(Anonymous);
        let mut identity = TokenServiceClient::new(peers.channel("identity"));
        let token = identity.create_token(request).await.map_err(peer_away)?.into_inner();
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", token.access_token)).map_err(Error::internal)?;
        header.set_sensitive(true);
        let expires = token.expire_time.as_ref().and_then(time::from_proto).unwrap_or(now);
        *current = Some((header.clone(), expires));
        Ok(header)
    }
}

/// Identity's public keys, asked of the peer.
pub(crate) struct PeerKeys(pub(crate) Peers);

#[async_trait::async_trait]
impl KeySource for PeerKeys {
    async fn keys(&self) -> Result<Vec<PublicKey>> {
        let mut request = tonic::Request::new(ListKeysRequest {});
        request.extensions_mut().insert(Anonymous);
        let mut identity = TokenServiceClient::new(self.0.channel("identity"));
        let keys = identity.list_keys(request).await.map_err(peer_away)?.into_inner().keys;
        Ok(keys.into_iter().map(|key| PublicKey { kid: key.kid, x: key.x }).collect())
    }
}

fn peer_away(status: Status) -> Error {
    Error::unavailable("IDENTITY_AWAY", "sign-ins cannot be checked now; try again", Duration::from_secs(1))
        .with_source(status)
}
