//! Callers with any roles and reach, whose tokens are signed by the test's own key.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_access::{Claims, Issuer, KeySource, Principal, PublicKey, Reach, Subject, rights};
use foursight_kernel::{Ids, SharedClock, StaffId, StoreId};
use foursight_proto::identity::v1::Role;
use foursight_runtime::PeerChannel;
use jiff::SignedDuration;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

/// A caller and its token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The caller's own id; nil for a service.
    pub id: StaffId,
    /// `Bearer …`, as it goes into the header.
    pub authorization: String,
}

/// A channel on which every call carries a caller's token.
pub type CallerChannel = InterceptedService<PeerChannel, Bearer>;

/// Adds the token.
#[derive(Debug, Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Caller {
    /// Makes every call on a channel this caller's.
    ///
    /// # Panics
    /// Never: a token is ASCII.
    #[expect(clippy::expect_used, reason = "a token is ASCII, and a test may panic")]
    pub fn on(&self, channel: PeerChannel) -> CallerChannel {
        let value = self.authorization.parse().expect("a token is ASCII");
        InterceptedService::new(channel, Bearer(value))
    }
}

/// Signs tokens for callers.
pub(crate) struct TestIssuer {
    issuer: Issuer,
    public: PublicKey,
    clock: SharedClock,
    ids: Ids,
}

impl TestIssuer {
    pub(crate) fn new(clock: SharedClock, ids: Ids) -> Result<Self> {
        let pair = Ed25519KeyPair::generate()?;
        let pkcs8 = pair.to_pkcs8v1()?;
        let public =
            PublicKey { kid: "test".to_owned(), x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()) };
        Ok(Self { issuer: Issuer::new("test", pkcs8.as_ref()), public, clock, ids })
    }

    pub(crate) fn keys(&self) -> Arc<dyn KeySource> {
        Arc::new(TestKeys(self.public.clone()))
    }

    pub(crate) fn staff(&self, roles: &[Role], stores: Option<&[StoreId]>) -> Result<Caller> {
        let id: StaffId = self.ids.next();
        let reach = stores.map_or(Reach::Group, |stores| Reach::Stores(stores.to_vec()));
        self.caller(id, Subject::Staff(id), reach, rights::rights_of_all(roles))
    }

    pub(crate) fn service(&self, name: &str) -> Result<Caller> {
        let rights = rights::rights_of_service(name).iter().map(|right| (*right).to_owned()).collect();
        self.caller(StaffId::from(uuid::Uuid::nil()), Subject::Service(name.to_owned()), Reach::Group, rights)
    }

    fn caller(&self, id: StaffId, subject: Subject, reach: Reach, rights: Vec<String>) -> Result<Caller> {
        let principal = Principal::new(subject, reach, rights.clone());
        // Long: tests turn the clock by months.
        let life = SignedDuration::from_hours(24 * 3650);
        let token =
            self.issuer.sign(&Claims::new(&principal, rights, self.clock.now(), life, self.ids.uuid()))?;
        Ok(Caller { id, authorization: format!("Bearer {token}") })
    }
}

struct TestKeys(PublicKey);

#[async_trait]
impl KeySource for TestKeys {
    async fn keys(&self) -> foursight_kernel::Result<Vec<PublicKey>> {
        Ok(vec![self.0.clone()])
    }
}
