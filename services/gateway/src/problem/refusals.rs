//! What HTTP itself refuses, each with what to do about it.

use http::{HeaderValue, StatusCode, header};
use tonic::Code;

use super::Problem;

impl Problem {
    /// No method has the path.
    pub(crate) fn unknown_path() -> Self {
        Self::http(
            StatusCode::NOT_FOUND,
            Code::NotFound,
            "PATH_UNKNOWN",
            "no method has this path; see /openapi.json",
        )
    }

    /// Methods have the path, but not with this verb of HTTP.
    pub(crate) fn wrong_method(allowed: &[&http::Method]) -> Self {
        let allow = allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
        let detail = format!("this path takes {allow}");
        let mut problem =
            Self::http(StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, "METHOD_NOT_ALLOWED", detail);
        problem.header = allow.parse().ok().map(|allow| (header::ALLOW, allow));
        problem
    }

    /// The body is larger than the limit, in bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("the body has more than {limit} bytes");
        Self::http(StatusCode::PAYLOAD_TOO_LARGE, Code::OutOfRange, "BODY_TOO_LARGE", detail)
    }

    /// The body is not JSON.
    pub(crate) fn not_json() -> Self {
        let detail = "the body must be JSON; send content-type: application/json";
        Self::http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "MEDIA_TYPE_UNSUPPORTED",
            detail,
        )
    }

    /// The body is compressed.
    pub(crate) fn encoded() -> Self {
        let detail = "the body must not be compressed; send it without the header content-encoding";
        let mut problem = Self::http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "CONTENT_ENCODING_UNSUPPORTED",
            detail,
        );
        problem.header = Some((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
        problem
    }

    /// The body did not come in time.
    pub(crate) fn too_slow() -> Self {
        let detail = "the body did not come in time; send it without pauses";
        Self::http(StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded, "BODY_TOO_SLOW", detail)
    }
}
