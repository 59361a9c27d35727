//! What a JSON call says in headers: its deadline, its idempotency key, and what goes on to the service.

use std::time::Duration;

use foursight_kernel::Violations;
use foursight_runtime::deadline;
use http::{HeaderMap, HeaderName, header};
use uuid::Uuid;

use crate::json;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

/// What of the client's headers goes on to the service.
const PASSED_ON: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];

/// The time that the client allows, if it says so; or the header that is wrong, and why.
pub(super) type Asked = Result<Option<Duration>, (&'static str, &'static str)>;

pub(super) fn asked(headers: &HeaderMap) -> Asked {
    if headers.contains_key(deadline::GRPC_TIMEOUT) {
        let remedy = "must be a number of at most eight digits and a unit, for example 5S";
        return deadline::parse(headers).map(Some).ok_or(("header.grpc-timeout", remedy));
    }
    let Some(value) = headers.get(&REQUEST_TIMEOUT) else { return Ok(None) };
    let seconds = value.to_str().ok().and_then(|text| text.trim_end_matches('s').parse::<f64>().ok());
    let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let remedy = "must be a number of seconds, for example 2.5";
    timeout.map(Some).ok_or(("header.request-timeout", remedy))
}

/// The client's own key for the request, if it sends one.
pub(super) fn idempotency_key(headers: &HeaderMap, violations: &mut Violations) -> Option<Uuid> {
    let value = headers.get(&IDEMPOTENCY_KEY)?;
    // The draft of the header has it as a quoted string; many clients leave the quotes out.
    let key = value.to_str().ok().and_then(|text| Uuid::try_parse(text.trim_matches('"')).ok());
    if key.is_none() {
        violations.push("header.idempotency-key", "must be a UUID");
    }
    key
}

/// Brings the key and what body and query say of the request's field together; `fields` are those that are written so far.
pub(super) fn join_request_id(
    key: Uuid,
    number: u32,
    out: &mut Vec<u8>,
    fields: usize,
    violations: &mut Violations,
) {
    match json::last_text(&out[fields..], number) {
        None => json::nest(out, number, |out| out.extend_from_slice(key.to_string().as_bytes())),
        Some(given) if Uuid::try_parse(given).is_ok_and(|given| given == key) => {}
        Some(_) => {
            let remedy = "give one of them, or the same UUID in both";
            violations.push("header.idempotency-key", format!("is not what `requestId` says: {remedy}"));
            violations.push("requestId", format!("is not what the header `idempotency-key` says: {remedy}"));
        }
    }
}

pub(super) fn passed_on(from: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    for name in PASSED_ON {
        if let Some(value) = from.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}
