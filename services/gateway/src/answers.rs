//! What every answer has: a place in the figures, and the id by which its request is found in traces and logs.

use std::time::Instant;

use foursight_kernel::trace;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};

/// Carries the trace id, of answers that went well, too.
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

/// The route of what no route leads to. The path itself is no label: it has ids, and there is no end to them.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Bounds of the histogram, in seconds, as OpenTelemetry's conventions have them.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// How long answers took.
#[derive(Debug)]
pub(crate) struct Durations(Histogram<f64>);

impl Durations {
    pub(crate) fn new(meter: &Meter) -> Self {
        let histogram = meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("how long clients' requests took, by method, route and status")
            .with_boundaries(SECONDS.to_vec());
        Self(histogram.build())
    }

    /// Notes an answer.
    pub(crate) fn note<B>(&self, started: Instant, method: &Method, route: &str, response: &Response<B>) {
        let mut labels = vec![
            KeyValue::new("http.request.method", known(method)),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(response.status().as_u16())),
        ];
        if is_grpc(response.headers()) {
            // A unary call that failed has its status in the headers.
            let code = tonic::Status::from_header_map(response.headers())
                .map_or(tonic::Code::Ok, |status| status.code());
            labels.push(KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))));
        }
        self.0.record(started.elapsed().as_secs_f64(), &labels);
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Any word can stand where a method belongs.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Puts the trace id into an answer's headers.
pub(crate) fn traced(headers: &mut HeaderMap) {
    if let Some(id) = trace::trace_id().and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(TRACE_ID, id);
    }
}
