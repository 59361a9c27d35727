//! Access tokens: JWTs signed with Ed25519, that live for minutes and are verified without a call.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use foursight_kernel::{Error, Result, SharedClock, StaffId, StoreId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{Principal, Reach, Subject};

/// Who makes our tokens, and for whom.
pub const ISSUER: &str = "foursight";

/// How many verified tokens are remembered; a busy group has fewer staff signed in.
const REMEMBERED: u64 = 20_000;

/// At most once in this time are the keys fetched again for a token with an unknown key.
const REFETCH: SignedDuration = SignedDuration::from_secs(5);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`ISSUER`], too: tokens are for our own services.
    pub aud: String,
    /// `staff/{id}` or `service/{name}`.
    pub sub: String,
    /// `*` for the whole group, else the ids of the caller's stores, separated by commas.
    pub reach: String,
    /// The rights that the caller's roles granted when the token was made.
    pub rights: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// From when on it is refused, in seconds since 1970.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
}

impl Claims {
    /// What a token for `principal` says, from `now` on for `life`.
    pub fn new(
        principal: &Principal,
        rights: Vec<String>,
        now: Timestamp,
        life: SignedDuration,
        id: Uuid,
    ) -> Self {
        let reach = match &principal.reach {
            Reach::Group => "*".to_owned(),
            Reach::Stores(stores) => stores.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        };
        Self {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: principal.subject.name(),
            reach,
            rights,
            iat: now.as_second(),
            exp: now.as_second() + life.as_secs(),
            jti: id,
        }
    }

    fn principal(self) -> Option<Principal> {
        let subject = match self.sub.strip_prefix("service/") {
            Some(service) => Subject::Service(service.to_owned()),
            None => Subject::Staff(StaffId::parse_name(&self.sub).ok()?),
        };
        let reach = match self.reach.as_str() {
            "*" => Reach::Group,
            "" => Reach::Stores(Vec::new()),
            stores => {
                let ids = stores.split(',').map(|id| Uuid::try_parse(id).map(StoreId::from));
                Reach::Stores(ids.collect::<Result<_, _>>().ok()?)
            }
        };
        Some(Principal::new(subject, reach, self.rights))
    }
}

/// Signs tokens. Only identity has one.
pub struct Issuer {
    header: Header,
    key: EncodingKey,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}

impl Issuer {
    /// An issuer that signs with an Ed25519 key, given as PKCS #8 in DER.
    pub fn new(kid: impl Into<String>, pkcs8: &[u8]) -> Self {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.into());
        Self { header, key: EncodingKey::from_ed_der(pkcs8) }
    }

    /// Signs a token.
    ///
    /// # Errors
    /// `INTERNAL` when the key cannot sign.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(Error::internal)
    }
}

/// A public key as identity publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key's id.
    pub kid: String,
    /// The Ed25519 public key, base64url without padding.
    pub x: String,
}

/// Where the public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// Every key that an unexpired token may be signed with.
    ///
    /// # Errors
    /// `UNAVAILABLE` when identity cannot be asked now.
    async fn keys(&self) -> Result<Vec<PublicKey>>;
}

/// Verifies tokens with identity's keys, which it fetches when it meets an unknown one.
pub struct Verifier {
    source: Arc<dyn KeySource>,
    clock: SharedClock,
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// When the keys were fetched last; locked while they are.
    fetched: Mutex<Option<Timestamp>>,
    /// Tokens that were verified, with the second from which on they are refused.
    verified: moka::future::Cache<Box<str>, (i64, Arc<Principal>)>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// A verifier that knows no key yet.
    pub fn new(source: Arc<dyn KeySource>, clock: SharedClock) -> Arc<Self> {
        let verified = moka::future::Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(Duration::from_hours(1))
            .build();
        Arc::new(Self { source, clock, keys: RwLock::default(), fetched: Mutex::new(None), verified })
    }

    /// The caller that a token stands for.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for a token that is expired, forged or not ours; `UNAVAILABLE` when its key has to be fetched and
    /// identity is away.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>> {
        let now = self.clock.now().as_second();
        let (expires, principal) = match self.verified.get(token).await {
            Some(known) => known,
            None => self.verify_afresh(token).await?,
        };
        if expires <= now {
            return Err(Error::unauthenticated("TOKEN_EXPIRED", "the access token has expired: refresh it"));
        }
        Ok(principal)
    }

    async fn verify_afresh(&self, token: &str) -> Result<(i64, Arc<Principal>)> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let kid = header.kid.filter(|_| header.alg == Algorithm::EdDSA).ok_or_else(invalid)?;
        if self.key(&kid).is_none() {
            self.fetch_keys(&kid).await?;
        }
        let key = self.key(&kid).ok_or_else(invalid)?;

        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[ISSUER]);
        validation.set_issuer(&[ISSUER]);
        // Compared with our own clock, by the caller.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| invalid())?.claims;
        let expires = claims.exp;
        let principal = Arc::new(claims.principal().ok_or_else(invalid)?);
        self.verified.insert(token.into(), (expires, principal.clone())).await;
        Ok((expires, principal))
    }

    fn key(&self, kid: &str) -> Option<DecodingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    async fn fetch_keys(&self, kid: &str) -> Result<()> {
        let mut fetched = self.fetched.lock().await;
        // Another request may have fetched it while this one waited; and a forger must not make us ask without end.
        let now = self.clock.now();
        if self.key(kid).is_some() || fetched.is_some_and(|last| last + REFETCH > now && last <= now) {
            return Ok(());
        }
        let keys = self.source.keys().await?;
        let keys = keys.into_iter().filter_map(|key| {
            let decoding = DecodingKey::from_ed_components(&key.x).ok()?;
            Some((key.kid, decoding))
        });
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.collect();
        *fetched = Some(now);
        Ok(())
    }
}

fn invalid() -> Error {
    Error::unauthenticated("TOKEN_INVALID", "the access token is not valid: sign in again")
}
