//! The page to try the API on: three small files, no third party.

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderValue, header};

/// The page may load what is served here and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = |kind: &'static str, text: &'static str| {
        get(move || async move { asset(kind, Bytes::from_static(text.as_bytes())) })
    };
    Router::new()
        .route("/docs", page("text/html; charset=utf-8", include_str!("docs/index.html")))
        .route("/docs/try.js", page("text/javascript; charset=utf-8", include_str!("docs/try.js")))
        .route("/docs/style.css", page("text/css; charset=utf-8", include_str!("docs/style.css")))
}

/// What is the same for everybody, and changes with a release only.
pub(crate) fn asset(kind: &'static str, content: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, content).into_response()
}
