//! The public router: what a request is decides who answers it.

use std::{convert::Infallible, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use foursight_kernel::trace;
use foursight_runtime::Readiness;
use http::{HeaderValue, Method, StatusCode, Version, header};
use http_body::Body as _;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, util::BoxCloneSyncService};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::{Instrument as _, field::Empty};

use crate::{
    answers::{self, Durations, TRACE_ID, UNMATCHED},
    call::Peer,
    docs,
    door::Door,
    openapi, proxy,
    routes::RouteTable,
    schema::Schema,
    settings::GatewaySettings,
    transcode,
};

/// Bytes of a body that may still be on its way when a refusal goes out.
const LONG_BODY: u64 = 16 << 10;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) schema: Schema,
    pub(crate) table: RouteTable,
    /// The service of each method, in the table's order.
    pub(crate) peers: Vec<Peer>,
    pub(crate) door: Door,
    pub(crate) settings: GatewaySettings,
    pub(crate) durations: Durations,
    pub(crate) readiness: Readiness,
}

type GrpcService = BoxCloneSyncService<http::Request<Body>, http::Response<tonic::body::Body>, Infallible>;

#[derive(Clone)]
struct Forms {
    gateway: Arc<Gateway>,
    grpc: GrpcService,
}

impl Gateway {
    /// The router for the public listeners: JSON, gRPC-Web and gRPC by the content type.
    pub(crate) fn router(self: &Arc<Self>) -> anyhow::Result<Router> {
        let gateway = self;
        let openapi = openapi::document(&gateway.schema, &gateway.table)?;
        let grpc = BoxCloneSyncService::new(GrpcWebLayer::new().layer(proxy::service(gateway.clone())?));
        let router = Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/openapi.json", get(move || async move { docs::asset("application/json", openapi) }))
            .route("/", get(|| async { Redirect::temporary("/docs") }))
            .merge(docs::router())
            .fallback(answer)
            .with_state(Forms { gateway: gateway.clone(), grpc });
        Ok(match cors(&gateway.settings) {
            Some(cors) => router.layer(cors),
            None => router,
        })
    }
}

async fn answer(State(forms): State<Forms>, request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        let Ok(response) = forms.grpc.oneshot(request).await;
        return response.map(Body::new);
    }
    json(&forms.gateway, request).await
}

async fn json(gateway: &Arc<Gateway>, request: Request) -> Response {
    let span = tracing::info_span!(
        "http",
        otel.name = Empty,
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = Empty,
        http.response.status_code = Empty,
    );
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    trace::continue_from(&span, parent);
    let (started, method) = (Instant::now(), request.method().clone());
    let one_at_a_time = request.version() < Version::HTTP_2;
    let long_body = request.body().size_hint().lower() > LONG_BODY;
    async {
        let mut route = UNMATCHED;
        let mut response = match transcode::answer(gateway, request, &mut route).await {
            Ok(response) => response,
            Err(problem) => problem.traced(trace::trace_id()).into_response(),
        };
        let status = response.status();
        tracing::Span::current().record("http.response.status_code", status.as_u16());
        // A refusal may come before the body was read. The connection then ends in the middle of it, and a client that is
        // not told would send its next request there.
        let unread = (long_body && !status.is_success())
            || matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT);
        if one_at_a_time && unread {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        gateway.durations.note(started, &method, route, &response);
        // Answers are about people: nobody on the way keeps them.
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answers::traced(headers);
        if method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
    .instrument(span)
    .await
}

/// None without allowed origins: browsers then let only pages of the same origin call.
fn cors(settings: &GatewaySettings) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        settings.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let any = origins.iter().any(|origin| origin == "*");
    Some(
        CorsLayer::new()
            .allow_origin(if any { AllowOrigin::any() } else { AllowOrigin::list(origins) })
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(
                [
                    "authorization",
                    "content-type",
                    "grpc-timeout",
                    "idempotency-key",
                    "request-timeout",
                    "traceparent",
                    "x-grpc-web",
                    "x-user-agent",
                ]
                .map(http::HeaderName::from_static),
            )
            .expose_headers(
                ["grpc-message", "grpc-status", "grpc-status-details-bin", "retry-after"]
                    .map(http::HeaderName::from_static)
                    .into_iter()
                    .chain([TRACE_ID])
                    .collect::<Vec<_>>(),
            )
            .max_age(std::time::Duration::from_hours(1)),
    )
}
