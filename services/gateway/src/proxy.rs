//! gRPC from outside: passed on as it is to the service that has the method, once the door let it in.

use std::{convert::Infallible, future::Future, net::IpAddr, pin::Pin, sync::Arc, task, time::Instant};

use bytes::Bytes;
use foursight_kernel::{Error, trace};
use foursight_proto::FILE_DESCRIPTOR_SET;
use foursight_runtime::{
    Anonymous, SlowBody,
    deadline::{self, GRPC_TIMEOUT},
};
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tonic::{Status, body::Body, service::Routes};
use tonic_health::pb::health_server::HealthServer;
use tower::{BoxError, Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::{
    answers::{self, UNMATCHED},
    call::{FRAME, timeout_header},
    door::is_sign_in,
    framing::{self, Framed},
    gateway::Gateway,
    health::Health,
    routes::{MethodInfo, Scope},
};

/// Headers that belong to one connection only.
const OF_THE_CONNECTION: [&str; 8] = [
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A sign-in is a few hundred bytes.
const LONGEST_SIGN_IN: usize = 16 << 10;

/// Answers every gRPC path: reflection and health here, methods by their services.
#[derive(Clone)]
pub(crate) struct GrpcService {
    gateway: Arc<Gateway>,
    own: Routes,
}

/// Reflection tells of every method; that is the API's documentation, and calls are decided elsewhere.
pub(crate) fn service(gateway: Arc<Gateway>) -> anyhow::Result<GrpcService> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let health = HealthServer::new(Health { readiness: gateway.readiness.clone() });
    Ok(GrpcService { gateway, own: Routes::new(reflection).add_service(health).prepare() })
}

impl Service<Request<Body>> for GrpcService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (gateway, own) = (self.gateway.clone(), self.own.clone());
        let span = tracing::info_span!("grpc", otel.name = request.uri().path(), otel.kind = "server");
        let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        trace::continue_from(&span, parent);
        let answer = async move {
            let (started, verb) = (Instant::now(), request.method().clone());
            let mut route = UNMATCHED;
            let mut response = if let Some(path) = own_path(request.uri().path()) {
                route = path;
                own.oneshot(request).await?
            } else {
                answer(&gateway, request, &mut route).await.unwrap_or_else(Status::into_http)
            };
            gateway.durations.note(started, &verb, route, &response);
            answers::traced(response.headers_mut());
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
}

/// What is answered here.
fn own_path(path: &str) -> Option<&'static str> {
    ["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/"]
        .into_iter()
        .find(|own| path.starts_with(own))
}

/// Answers a call. Its method's path goes to `route`, whatever the answer is.
async fn answer<'g>(
    gateway: &'g Gateway,
    request: Request<Body>,
    route: &mut &'g str,
) -> Result<Response<Body>, Status> {
    let Some((index, method)) = gateway.table.by_grpc_path(request.uri().path()) else {
        return Err(Status::unimplemented("there is no method of this name"));
    };
    *route = method.grpc_path.path();
    if deadline::parse(request.headers()).is_some_and(|allowed| allowed.is_zero()) {
        return Err(Error::deadline_exceeded("the deadline had passed before the call came").into());
    }
    let (mut parts, body) = request.into_parts();
    let client = gateway.door.client(&parts.headers, &parts.extensions);
    gateway.door.admit(method, client, &mut parts.headers).await?;
    for name in OF_THE_CONNECTION {
        parts.headers.remove(name);
    }
    if !parts.headers.contains_key(GRPC_TIMEOUT) {
        parts.headers.insert(GRPC_TIMEOUT, timeout_header(gateway.settings.default_deadline()));
    }
    let body = Body::new(Framed::new(body, &parts.headers));
    let body = if is_sign_in(method) {
        sign_in(gateway, client, &mut parts.headers, body).await?
    } else {
        Body::new(Limited::new(body, gateway.settings.grpc_body_limit + FRAME).map_err(unreadable))
    };
    let peer = gateway.peers[index].clone();
    peer.oneshot(onward(method, parts.headers, body)).await
}

/// The request as the service gets it: nothing of the connection that it came by.
fn onward(method: &MethodInfo, headers: HeaderMap, body: Body) -> Request<Body> {
    let anonymous = method.scope == Scope::Public || !headers.contains_key(header::AUTHORIZATION);
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = http::Uri::from(method.grpc_path.clone());
    *request.headers_mut() = headers;
    if anonymous {
        // Without this mark the channel would sign the call as the gateway's own.
        request.extensions_mut().insert(Anonymous);
    }
    request
}

/// gRPC's own codes for a message over the limit, and for one that did not come in time; everything else stays what it is.
fn unreadable(error: BoxError) -> Status {
    if SlowBody::is_behind(&*error) {
        return Error::deadline_exceeded("the message did not come in time").into();
    }
    if error.is::<LengthLimitError>() {
        return Status::resource_exhausted("the message is larger than the gateway passes on");
    }
    Status::from_error(error)
}

/// Reads a sign-in, to count it for its login.
async fn sign_in(
    gateway: &Gateway,
    client: IpAddr,
    headers: &mut HeaderMap,
    body: Body,
) -> Result<Body, Status> {
    if headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity") {
        return Err(Status::unimplemented("send a sign-in without compression"));
    }
    let limited = Limited::new(body, LONGEST_SIGN_IN).collect().await;
    let bytes: Bytes = match limited {
        Ok(read) => read.to_bytes(),
        Err(error) if SlowBody::is_behind(&*error) || framing::is_behind(&*error) => {
            return Err(unreadable(error));
        }
        Err(_) => {
            let message = "is too long, or ended before it was complete";
            return Err(Error::invalid_field("grant", message).into());
        }
    };
    gateway.door.admit_sign_in(client, headers, bytes.get(FRAME..).unwrap_or_default()).await?;
    Ok(Body::new(Full::new(bytes)))
}
