//! The small group that this room's tests work with: two stores, and four people who share a password.

use foursight_identity::bulk::{self, StaffRow, StoreRow};
use foursight_kernel::{Clock, StaffId, StoreId};
use foursight_proto::{
    google::r#type::TimeOfDay,
    identity::v1::{
        Calendar, CreateTokenRequest, PasswordGrant, RefreshGrant, Role, Token, WeeklyInterval,
        create_token_request::Grant, directory_service_client::DirectoryServiceClient,
        token_service_client::TokenServiceClient,
    },
};
use foursight_runtime::{Anonymous, PeerChannel, edge::CLIENT_NETWORK};
use foursight_testkit::Stack;
use tonic::{Request, Status};

pub(crate) const PASSWORD: &str = "demo password of the tests";

pub(crate) struct World {
    pub(crate) app: Stack,
    pub(crate) directory: DirectoryServiceClient<PeerChannel>,
    pub(crate) tokens: TokenServiceClient<PeerChannel>,
    pub(crate) shanghai: StoreId,
    pub(crate) beijing: StoreId,
    pub(crate) director: StaffId,
    /// CR manager in Shanghai.
    pub(crate) cr: StaffId,
    /// Sales advisor in Shanghai.
    pub(crate) sales: StaffId,
    /// Sales advisor in Beijing.
    pub(crate) far: StaffId,
}

impl World {
    pub(crate) async fn start() -> Self {
        let stack = Stack::builder().role(foursight_identity::IdentityRole).real_identity();
        let app = stack.start().await.unwrap();
        let channel = app.running.peers("identity").unwrap().channel("identity");
        let world = Self {
            directory: DirectoryServiceClient::new(channel.clone()),
            tokens: TokenServiceClient::new(channel),
            shanghai: app.ids.next(),
            beijing: app.ids.next(),
            director: app.ids.next(),
            cr: app.ids.next(),
            sales: app.ids.next(),
            far: app.ids.next(),
            app,
        };
        world.load().await;
        world
    }

    async fn load(&self) {
        let hash = foursight_identity::hash_password(PASSWORD.into()).await.unwrap();
        let store = |id, code: &str, region: &str| StoreRow {
            id,
            code: code.into(),
            display_name: format!("{region}一店"),
            region: region.into(),
            city: region.into(),
            calendar: office_hours(),
        };
        let person = |id, login: &str, role, store: Option<StoreId>| StaffRow {
            id,
            login: login.into(),
            display_name: format!("员工 {login}"),
            roles: vec![role],
            stores: store.into_iter().collect(),
            headquarters: store.is_none(),
            password_hash: hash.clone(),
        };
        let stores = [store(self.shanghai, "SH01", "华东"), store(self.beijing, "BJ01", "华北")];
        let staff = [
            person(self.director, "director", Role::GroupDirector, None),
            person(self.cr, "sh01.cr", Role::CrManager, Some(self.shanghai)),
            person(self.sales, "sh01.sales", Role::SalesAdvisor, Some(self.shanghai)),
            person(self.far, "bj01.sales", Role::SalesAdvisor, Some(self.beijing)),
        ];
        let mut tx = self.app.db("identity").begin_as_service().await.unwrap();
        bulk::load(&mut tx, &self.app.ids, &stores, &staff, self.app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<Token, Status> {
        self.token(Grant::Password(PasswordGrant { login: login.into(), password: password.into() })).await
    }

    /// A sign-in that the gateway says comes from this network.
    pub(crate) async fn sign_in_from(
        &self,
        network: &str,
        login: &str,
        password: &str,
    ) -> Result<Token, Status> {
        let grant = PasswordGrant { login: login.into(), password: password.into() };
        let mut request = anonymous(CreateTokenRequest { grant: Some(Grant::Password(grant)) });
        request.metadata_mut().insert(CLIENT_NETWORK, network.parse().unwrap());
        Ok(self.tokens.clone().create_token(request).await?.into_inner())
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Token, Status> {
        self.token(Grant::Refresh(RefreshGrant { refresh_token: refresh_token.into() })).await
    }

    pub(crate) async fn token(&self, grant: Grant) -> Result<Token, Status> {
        let request = anonymous(CreateTokenRequest { grant: Some(grant) });
        Ok(self.tokens.clone().create_token(request).await?.into_inner())
    }

    /// An access token of somebody who signs in.
    pub(crate) async fn access(&self, login: &str) -> String {
        self.sign_in(login, PASSWORD).await.unwrap().access_token
    }
}

/// A request of somebody who has not signed in.
pub(crate) fn anonymous<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Anonymous);
    request
}

/// A request with an access token.
pub(crate) fn by<M>(token: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// Monday, 8:30 to 18:00.
pub(crate) fn office_hours() -> Calendar {
    let at = |hours, minutes| Some(TimeOfDay { hours, minutes, seconds: 0, nanos: 0 });
    Calendar {
        time_zone: "Asia/Shanghai".into(),
        weekly: vec![WeeklyInterval { day: 1, opens: at(8, 30), closes: at(18, 0) }],
        exceptions: Vec::new(),
    }
}
