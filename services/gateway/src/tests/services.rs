//! A gateway before two small services, and ways to call it.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use axum::{Router, body::Body};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use foursight_access::{Claims, Issuer, KeySource, Principal, PublicKey, Reach, Subject, Verifier};
use foursight_kernel::{Error, Result as KernelResult, SharedClock, StaffId, SystemClock, Violations};
use foursight_proto::{
    customer::v1::{
        self as customer, Customer,
        customer_service_server::{CustomerService, CustomerServiceServer},
    },
    identity::v1::{
        CreateTokenRequest, ListKeysRequest, ListKeysResponse, RevokeTokenRequest, Token,
        token_service_server::{TokenService, TokenServiceServer},
    },
};
use foursight_runtime::{Anonymous, Readiness, Settings, telemetry::Telemetry};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tonic::{Response, Status, service::Routes};
use tower::{ServiceExt as _, service_fn, util::BoxCloneSyncService};
use uuid::Uuid;

use crate::{
    answers::Durations, call::Peer, door::Door, gateway::Gateway, limits::Limits, routes::RouteTable,
    schema::Schema, settings::GatewaySettings,
};

/// Of the whole process: traces have ids only where somebody listens.
static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(|| {
    let settings = Settings::load(None, "[telemetry]\nlog_filter = 'off'").unwrap();
    Telemetry::start(&settings.telemetry, "test").unwrap()
});

/// What reached a service.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) headers: HeaderMap,
    pub(super) anonymous: bool,
}

pub(super) struct World {
    pub(super) router: Router,
    pub(super) gateway: Arc<Gateway>,
    pub(super) token: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// An answer of the gateway.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
}

impl Answer {
    /// The fields that are wrong.
    pub(super) fn fields(&self) -> Vec<String> {
        let violations = self.json["violations"].as_array().map(Vec::as_slice).unwrap_or_default();
        violations.iter().filter_map(|each| Some(each["field"].as_str()?.to_owned())).collect()
    }
}

impl World {
    pub(super) fn new(change: impl FnOnce(&mut GatewaySettings)) -> Self {
        let mut settings = GatewaySettings::default();
        settings.limits.sign_in_login.burst = 3;
        change(&mut settings);
        let pool = foursight_proto::descriptors();
        let schema = Schema::compile(pool);
        let table = RouteTable::build(pool, &schema).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let peer = peer(seen.clone());
        let (token, verifier) = sign_in();
        let gateway = Arc::new(Gateway {
            peers: table.methods.iter().map(|_| peer.clone()).collect(),
            door: Door {
                verifier,
                // Nobody listens there: the replica's own count holds.
                limits: Limits::new(&settings.limits, "redis://127.0.0.1:1").unwrap(),
                trusted_proxies: settings.trusted_proxies,
            },
            schema,
            table,
            settings,
            durations: Durations::new(&TELEMETRY.metrics.meter()),
            readiness: Readiness::default(),
        });
        Self { router: gateway.router().unwrap(), gateway, token, seen }
    }

    /// The last call that reached a service.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap().last().cloned()
    }

    /// Forgets the calls so far.
    pub(super) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// With a token.
    pub(super) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.token))
    }

    /// On a port of its own.
    pub(super) async fn listen(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        address
    }
}

fn peer(seen: Arc<Mutex<Vec<Seen>>>) -> Peer {
    let routes = Routes::new(CustomerServiceServer::new(Double))
        .add_service(TokenServiceServer::new(Double))
        .prepare();
    BoxCloneSyncService::new(service_fn(move |request: Request<tonic::body::Body>| {
        let call = Seen {
            headers: request.headers().clone(),
            anonymous: request.extensions().get::<Anonymous>().is_some(),
        };
        seen.lock().unwrap().push(call);
        let routes = routes.clone();
        async move { Ok(routes.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    }))
}

fn sign_in() -> (String, Arc<Verifier>) {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let public = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let key =
        PublicKey { kid: "k1".to_owned(), x: BASE64_URL_SAFE_NO_PAD.encode(public.public_key().as_ref()) };
    let clock: SharedClock = Arc::new(SystemClock);
    let now = clock.now();
    let staff = Principal::new(Subject::Staff(StaffId::from(Uuid::nil())), Reach::Group, Vec::new());
    let claims = Claims::new(&staff, Vec::new(), now, jiff::SignedDuration::from_mins(10), Uuid::nil());
    let token = Issuer::new("k1", pkcs8.as_ref()).sign(&claims).unwrap();
    (token, Verifier::new(Arc::new(Keys(key)), clock))
}

struct Keys(PublicKey);

#[async_trait]
impl KeySource for Keys {
    async fn keys(&self) -> KernelResult<Vec<PublicKey>> {
        Ok(vec![self.0.clone()])
    }
}

/// Answers with what it was asked.
#[derive(Clone)]
struct Double;

type Answered<T> = Result<Response<T>, Status>;

#[async_trait]
impl CustomerService for Double {
    async fn create_customer(
        &self,
        request: tonic::Request<customer::CreateCustomerRequest>,
    ) -> Answered<Customer> {
        let request = request.into_inner();
        let mut customer = request.customer.unwrap_or_default();
        if customer.display_name == "林小满" {
            let error = Error::already_exists("CUSTOMER_EXISTS", "the person is on file already");
            return Err(error.with_metadata("customer", "customers/7").into());
        }
        if customer.display_name == "nobody" {
            let mut violations = Violations::default();
            violations.push("customer.display_name", "is nobody's; correct display_name or national_id");
            violations.push("customer.contact_points[0].value", "is required");
            return Err(Error::invalid(violations).into());
        }
        customer.etag = request.request_id;
        Ok(Response::new(customer))
    }

    async fn get_customer(
        &self,
        request: tonic::Request<customer::GetCustomerRequest>,
    ) -> Answered<Customer> {
        let name = request.into_inner().name;
        match name.as_str() {
            "customers/none" => {
                Err(Error::not_found("CUSTOMER_NOT_FOUND", "there is no such customer").into())
            }
            "customers/away" => Err(Error::unavailable("X", "away", Duration::from_millis(1500)).into()),
            "customers/slow" => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Ok(Response::new(Customer::default()))
            }
            _ => Ok(Response::new(Customer {
                name,
                kind: 1,
                display_name: "Ada \"小\"".to_owned(),
                ..Customer::default()
            })),
        }
    }

    async fn list_customers(
        &self,
        request: tonic::Request<customer::ListCustomersRequest>,
    ) -> Answered<customer::ListCustomersResponse> {
        let request = request.into_inner();
        let next_page_token =
            format!("{}|{}|{}|{}", request.store, request.q, request.page_size, request.page_token);
        Ok(Response::new(customer::ListCustomersResponse { next_page_token, ..Default::default() }))
    }

    async fn update_customer(
        &self,
        request: tonic::Request<customer::UpdateCustomerRequest>,
    ) -> Answered<Customer> {
        let request = request.into_inner();
        let paths = request.update_mask.unwrap_or_default().paths.join("|");
        Ok(Response::new(Customer { name: request.name, etag: paths, ..Customer::default() }))
    }

    async fn list_facts(
        &self,
        _: tonic::Request<customer::ListFactsRequest>,
    ) -> Answered<customer::ListFactsResponse> {
        Ok(Response::new(customer::ListFactsResponse::default()))
    }

    async fn add_contact_point(
        &self,
        _: tonic::Request<customer::AddContactPointRequest>,
    ) -> Answered<Customer> {
        Ok(Response::new(Customer::default()))
    }

    async fn end_contact_point(
        &self,
        _: tonic::Request<customer::EndContactPointRequest>,
    ) -> Answered<Customer> {
        Ok(Response::new(Customer::default()))
    }

    async fn reveal_field(
        &self,
        request: tonic::Request<customer::RevealFieldRequest>,
    ) -> Answered<customer::RevealFieldResponse> {
        let request = request.into_inner();
        Ok(Response::new(customer::RevealFieldResponse {
            value: format!("{}|{}|{}", request.name, request.field, request.reason),
        }))
    }

    async fn list_timeline_entries(
        &self,
        request: tonic::Request<customer::ListTimelineEntriesRequest>,
    ) -> Answered<customer::ListTimelineEntriesResponse> {
        let request = request.into_inner();
        let next_page_token = format!("{}|{}", request.parent, request.kinds.join(","));
        Ok(Response::new(customer::ListTimelineEntriesResponse {
            timeline_entries: Vec::new(),
            next_page_token,
        }))
    }
}

#[async_trait]
impl TokenService for Double {
    async fn create_token(&self, _: tonic::Request<CreateTokenRequest>) -> Answered<Token> {
        Ok(Response::new(Token { token_type: "Bearer".to_owned(), ..Token::default() }))
    }

    async fn revoke_token(&self, _: tonic::Request<RevokeTokenRequest>) -> Answered<()> {
        Ok(Response::new(()))
    }

    async fn list_keys(&self, _: tonic::Request<ListKeysRequest>) -> Answered<ListKeysResponse> {
        Ok(Response::new(ListKeysResponse::default()))
    }
}
