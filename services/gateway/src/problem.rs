//! Errors for HTTP: problem details as RFC 9457 has them, from a `google.rpc.Status` or from what HTTP itself refuses.

mod refusals;

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use foursight_kernel::Violations;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The body of every answer that is an error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Names the reason; `about:blank` when the code says everything.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of trouble, for people; the same for every problem of the same code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// This problem, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// The name in `google.rpc.Code`.
    code: &'static str,
    /// Stable; what a client may branch on.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Violation>,
    /// Facts that belong to the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    /// Seconds after which the same request may work.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Finds the request in traces and logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// What HTTP wants said beside the body.
    #[serde(skip)]
    header: Option<(HeaderName, HeaderValue)>,
}

#[derive(Debug, Serialize)]
struct Violation {
    field: String,
    description: String,
}

impl Problem {
    /// From what a service, or a rule of the gateway, answered.
    pub(crate) fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let (http, code, title) = mapping(status.code());
        let violations: Vec<Violation> = details
            .bad_request()
            .map(|bad| bad.field_violations.iter())
            .into_iter()
            .flatten()
            .map(|violation| Violation {
                field: violation.field.clone(),
                description: violation.description.clone(),
            })
            .collect();
        let info = details.error_info();
        let reason = info.map(|info| info.reason.clone()).unwrap_or_default();
        Self {
            kind: kind(&reason),
            title,
            status: http.as_u16(),
            detail: detail(status, &violations),
            code,
            reason,
            violations,
            metadata: info.map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay).map(whole_seconds),
            trace_id: None,
            header: None,
        }
    }

    /// With what is said for people as somebody else would say it.
    pub(crate) fn with_words(mut self, said: impl Fn(&str) -> String) -> Self {
        self.detail = said(&self.detail);
        for violation in &mut self.violations {
            violation.description = said(&violation.description);
        }
        self
    }

    /// With the fields as somebody else names them.
    pub(crate) fn with_fields(mut self, renamed: impl Fn(&str) -> String) -> Self {
        if self.violations.is_empty() {
            return self;
        }
        for violation in &mut self.violations {
            violation.field = renamed(&violation.field);
        }
        // A refusal by its fields names them in its words, too.
        if self.reason == "INVALID_FIELDS" {
            let mut fields: Vec<&str> = self.violations.iter().map(|violation| &*violation.field).collect();
            fields.sort_unstable();
            fields.dedup();
            self.detail = format!("wrong fields: {}", fields.join(", "));
        }
        self
    }

    /// The request's fields are wrong.
    pub(crate) fn invalid(violations: Violations) -> Self {
        Self::from_status(&foursight_kernel::Error::invalid(violations).into())
    }

    /// What HTTP itself refuses, before any method is called.
    pub(crate) fn http(
        status: StatusCode,
        code: Code,
        reason: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let (_, code, title) = mapping(code);
        Self {
            kind: kind(reason),
            title: status.canonical_reason().unwrap_or(title),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            reason: reason.to_owned(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
            trace_id: None,
            header: None,
        }
    }

    /// With the id under which the request is traced.
    pub(crate) fn traced(mut self, trace_id: Option<String>) -> Self {
        self.trace_id = trace_id;
        self
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self::from_status(&status)
    }
}

impl From<foursight_kernel::Error> for Problem {
    fn from(error: foursight_kernel::Error) -> Self {
        Self::from_status(&error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A problem is strings and numbers: it can always be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        response
    }
}

fn kind(reason: &str) -> String {
    if reason.is_empty() { "about:blank".to_owned() } else { format!("urn:foursight:reason:{reason}") }
}

/// What a service says; of an error inside, nothing that the service did not choose to say.
fn detail(status: &Status, violations: &[Violation]) -> String {
    match (status.message(), violations) {
        ("", [only]) => format!("{} {}", only.field, only.description),
        ("", [first, rest @ ..]) => {
            format!("{} {} (and {} more)", first.field, first.description, rest.len())
        }
        (message, _) => message.to_owned(),
    }
}

/// Upwards: a client that waits so long does not come too early.
fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

/// The mapping that `google/rpc/code.proto` gives, with the code's name and a title.
fn mapping(code: Code) -> (StatusCode, &'static str, &'static str) {
    // Nginx's "client closed request", which code.proto names and no list of IANA's has.
    let cancelled = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
    match code {
        Code::Ok => (StatusCode::OK, "OK", "Fine"),
        Code::Cancelled => (cancelled, "CANCELLED", "Cancelled"),
        Code::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "Unknown error"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", "Invalid request"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", "Out of time"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "Not found"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS", "Exists already"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED", "Not allowed"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "Too many requests"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", "Not in this state"),
        Code::Aborted => (StatusCode::CONFLICT, "ABORTED", "Somebody was faster"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "OUT_OF_RANGE", "Out of range"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED", "Not offered"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "Internal error"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "Not available"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "DATA_LOSS", "Data lost"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Not signed in"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_kernel::Error;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_keeps_its_reason_its_facts_and_its_delay() {
        let error = Error::unavailable("PEER_AWAY", "the service is away", Duration::from_millis(1_200))
            .with_metadata("peer", "customer");
        let problem = Problem::from(error).traced(Some("4bf92f".to_owned()));
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            json!({
                "type": "urn:foursight:reason:PEER_AWAY", "title": "Not available", "status": 503,
                "detail": "the service is away", "code": "UNAVAILABLE", "reason": "PEER_AWAY",
                "metadata": {"peer": "customer"}, "retryAfter": 2, "traceId": "4bf92f",
            })
        );
        let response = problem.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn every_violation_is_passed_on() {
        let mut violations = Violations::default();
        violations.push("case.severity", "is required");
        violations.push("case.store", "is required");
        let problem = serde_json::to_value(Problem::invalid(violations)).unwrap();
        assert_eq!(problem["violations"][1], json!({"field": "case.store", "description": "is required"}));
        assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("INVALID_ARGUMENT")));
    }

    #[test]
    fn refusals_of_http_carry_its_headers() {
        let response = Problem::wrong_method(&[&http::Method::GET, &http::Method::POST]).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::ALLOW]),
            (405, &"GET, POST".parse().unwrap())
        );
        let response = Problem::from(Status::unauthenticated("no")).into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
}
