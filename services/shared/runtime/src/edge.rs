//! What stands before every role's handlers, in this order: trace, metrics, deadline, load shedding, then access.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use foursight_access::AccessLayer;
use foursight_kernel::{Error, trace};
use futures::FutureExt;
use http::{Request, Response};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body, service::Routes};
use tower::{BoxError, Layer, Service, ServiceExt, util::BoxCloneSyncService};
use tracing::Instrument;

use crate::{Settings, deadline, peers::PeerService};

/// The header by which the gateway tells identity which network a sign-in comes from. Clients cannot send it: the gateway
/// takes away what is only for services.
pub const CLIENT_NETWORK: &str = "x-foursight-client-network";

/// Bounds of the histogram, in seconds, as OpenTelemetry's conventions have them.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Puts the layers before a role's routes.
pub(crate) fn wrap(
    role: &'static str,
    routes: Routes,
    access: &AccessLayer,
    settings: &Settings,
    meter: &Meter,
) -> PeerService {
    let edge = Edge {
        inner: access.layer(routes.prepare()),
        role,
        permits: Arc::new(Semaphore::new(settings.limits.concurrency)),
        allowed: settings.default_deadline(),
        durations: meter
            .f64_histogram("rpc.server.duration")
            .with_unit("s")
            .with_description("how long calls took, by service, method and code")
            .with_boundaries(SECONDS.to_vec())
            .build(),
    };
    BoxCloneSyncService::new(edge)
}

#[derive(Clone)]
struct Edge<S> {
    inner: S,
    role: &'static str,
    permits: Arc<Semaphore>,
    allowed: Duration,
    durations: Histogram<f64>,
}

impl<S> Service<Request<Body>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Edge { inner, role, permits, allowed, durations } = self.clone();
        let method = request.uri().path().to_owned();
        let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let span = trace::span_in(parent, |trace_id| {
            tracing::info_span!("rpc", otel.name = method, otel.kind = "server", service = role, trace_id)
        });
        let answer = async move {
            let started = Instant::now();
            let Ok(_permit) = permits.try_acquire() else {
                return Ok(Status::from(Error::overloaded()).into_http());
            };
            let allowed = deadline::parse(request.headers()).unwrap_or(allowed);
            let handled = AssertUnwindSafe(inner.oneshot(request)).catch_unwind();
            let response = match deadline::within(allowed, handled).await {
                Some(Ok(Ok(response))) => response,
                Some(Ok(Err(error))) => return Err(error.into()),
                Some(Err(_)) => {
                    tracing::error!(method, "a handler panicked");
                    Status::internal("something went wrong here; the trace id helps to find it").into_http()
                }
                None => {
                    let message = "the call took longer than its deadline allows";
                    Status::from(Error::deadline_exceeded(message)).into_http()
                }
            };
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
            let labels = [
                KeyValue::new("service", role),
                KeyValue::new("method", method),
                KeyValue::new("code", format!("{code:?}")),
            ];
            durations.record(started.elapsed().as_secs_f64(), &labels);
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
}
