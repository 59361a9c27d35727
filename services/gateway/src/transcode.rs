//! A call by JSON, from the first byte to the last: route, door, body, call, answer.

mod headers;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use foursight_kernel::{Error, Violations, trace};
use foursight_runtime::SlowBody;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Code;

use self::headers::Asked;
use crate::{
    call::{self, Call, FRAME},
    door::is_sign_in,
    gateway::Gateway,
    json::{self, Source, query},
    problem::Problem,
    routes::{BodyRule, Bound, Match, MethodInfo, Route, Segments},
    stream,
};

/// No client that we know sends half as many.
const MOST_HEADERS: usize = 100;

/// Answers a call. The template of its route goes to `template`, whatever the answer is.
pub(crate) async fn answer<'g>(
    gateway: &'g Arc<Gateway>,
    request: Request,
    template: &mut &'g str,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    measure(gateway, &parts)?;
    // HEAD is GET without the answer's body.
    let http_method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    let (route, segments) = match gateway.table.by_http_path(http_method, parts.uri.path()) {
        Match::Found { route, segments } => (&gateway.table.routes[*route], segments),
        Match::WrongMethod(allowed) => return Err(Problem::wrong_method(&allowed)),
        Match::Unknown => return Err(Problem::unknown_path()),
    };
    let method = &gateway.table.methods[route.method];
    let span = tracing::Span::current();
    span.record("otel.name", method.grpc_path.path());
    span.record("http.route", route.path.as_str());
    *template = &route.path;

    let asked = headers::asked(&parts.headers);
    if asked.is_ok_and(|asked| asked.is_some_and(|asked| asked.is_zero())) {
        return Err(Error::deadline_exceeded("the deadline had passed before the call came").into());
    }
    let client = gateway.door.client(&parts.headers, &parts.extensions);
    gateway.door.admit(method, client, &mut parts.headers).await?;
    let body = read(gateway, route, &parts.headers, body).await?;
    let (framed, timeout) = message(gateway, route, method, &segments, &parts, &body, asked)?;
    call(gateway, route, client, headers::passed_on(&parts.headers), framed, timeout).await
}

async fn call(
    gateway: &Arc<Gateway>,
    route: &Route,
    client: IpAddr,
    mut headers: HeaderMap,
    framed: Vec<u8>,
    timeout: Duration,
) -> Result<Response, Problem> {
    let method = &gateway.table.methods[route.method];
    if is_sign_in(method) {
        gateway.door.admit_sign_in(client, &mut headers, &framed[FRAME..]).await?;
    }
    let call = Call { path: method.grpc_path.clone(), headers, framed, timeout };
    let problem = |status: tonic::Status| {
        let in_json = |field: &str| json::in_json(&gateway.schema, method.input, field);
        let words = json::Words::of(&gateway.schema, method.input);
        Problem::from_status(&status).with_words(|text| words.in_json(text)).with_fields(in_json)
    };
    let peer = gateway.peers[route.method].clone();
    if let Some(form) = method.streams {
        let begin = async |messages: stream::Messages| messages.answer(gateway.clone(), form).await;
        return call::streaming(peer, call, begin).await.map_err(problem);
    }
    let answer = call::unary(peer, call).await.map_err(problem)?;
    let mut json = Vec::with_capacity(answer.len() * 2 + 64);
    json::encode::encode(&gateway.schema, method.output, &answer, &mut json).map_err(|error| {
        let (method, trace_id) = (method.grpc_path.path(), trace::trace_id());
        tracing::error!(%error, method, trace_id, "an answer cannot be written as JSON");
        Problem::from(Error::internal(error))
    })?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Refuses what is longer than anybody needs.
fn measure(gateway: &Gateway, parts: &Parts) -> Result<(), Problem> {
    let url = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if url > gateway.settings.url_limit {
        let detail = format!("the URL has more than {} bytes", gateway.settings.url_limit);
        return Err(Problem::http(StatusCode::URI_TOO_LONG, Code::OutOfRange, "URL_TOO_LONG", detail));
    }
    if parts.headers.len() > MOST_HEADERS {
        return Err(headers_too_large(format!("there are more than {MOST_HEADERS} headers")));
    }
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > gateway.settings.header_limit {
        let most = gateway.settings.header_limit;
        return Err(headers_too_large(format!("the headers have more than {most} bytes")));
    }
    Ok(())
}

fn headers_too_large(detail: String) -> Problem {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::http(status, Code::OutOfRange, "HEADERS_TOO_LARGE", detail)
}

async fn read(gateway: &Gateway, route: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    use http_body::Body as _;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::encoded());
    }
    let limit = gateway.settings.json_body_limit;
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Problem::too_large(limit));
    }
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Problem::too_large(limit)),
        Err(error) if SlowBody::is_behind(&*error) => return Err(Problem::too_slow()),
        Err(_) => {
            let mut violations = Violations::default();
            violations.push("body", "ended before it was complete");
            return Err(Problem::invalid(violations));
        }
    };
    if body.is_empty() {
        return Ok(body);
    }
    if route.body == BodyRule::Nothing {
        let mut violations = Violations::default();
        violations.push("body", "must be empty: this method takes its fields in the path and the query");
        return Err(Problem::invalid(violations));
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(is_json) { Ok(body) } else { Err(Problem::not_json()) }
}

/// `application/json` or a type that says `+json`, in UTF-8.
fn is_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let text = text.to_ascii_lowercase();
    let mut pieces = text.split(';').map(str::trim);
    let kind = pieces.next().unwrap_or_default();
    let charset =
        pieces.find_map(|piece| piece.strip_prefix("charset=")).map_or("utf-8", |set| set.trim_matches('"'));
    (kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")))
        && charset == "utf-8"
}

/// The request's message behind room for its frame, and the time that the call may take.
fn message(
    gateway: &Gateway,
    route: &Route,
    method: &MethodInfo,
    segments: &Segments<'_>,
    parts: &Parts,
    body: &[u8],
    asked: Asked,
) -> Result<(Vec<u8>, Duration), Problem> {
    let schema = &gateway.schema;
    let request = schema.message(method.input);
    let mut violations = Violations::default();
    let mut out = Vec::with_capacity(FRAME + body.len() + 128);
    out.resize(FRAME, 0);

    let given = match &route.body {
        BodyRule::Nothing => query::Body::Nothing,
        BodyRule::Everything => {
            if !body.is_empty() {
                json::decode::message(schema, method.input, body, &mut out, &mut violations);
            }
            query::Body::Everything
        }
        BodyRule::Field(index) => {
            let field = &request.fields[*index];
            if !body.is_empty() {
                json::decode::field(schema, field, body, &mut out, &mut violations);
            }
            query::Body::Field(&field.name)
        }
    };
    if let Some(query) = parts.uri.query() {
        let given = query::Given { path: &route.bound, body: given, by_body: method.by_body.as_deref() };
        query::decode(schema, method.input, query, given, &mut out, &mut violations);
    }
    if let Some(number) = method.request_id
        && let Some(key) = headers::idempotency_key(&parts.headers, &mut violations)
    {
        headers::join_request_id(key, number, &mut out, FRAME, &mut violations);
    }
    for (variable, name) in route.variables.iter().zip(&route.bound) {
        if let Err(description) = path_field(gateway, variable, segments, &mut out) {
            violations.push(json::in_json(schema, method.input, name), description);
        }
    }
    let asked = asked.unwrap_or_else(|(header, remedy)| {
        violations.push(header, remedy);
        None
    });
    let timeout =
        asked.unwrap_or(gateway.settings.default_deadline()).min(gateway.settings.longest_deadline());
    if violations.is_empty() { Ok((out, timeout)) } else { Err(Problem::invalid(violations)) }
}

/// Appended last: the path wins.
fn path_field(
    gateway: &Gateway,
    variable: &Bound,
    segments: &Segments<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let raw = segments.range(variable.start, variable.end).join("/");
    let text = json::percent_decode(&raw, false)?;
    let mut field = Vec::with_capacity(text.len() + 8);
    json::put_text(&gateway.schema, variable.kind, variable.number, &text, Source::Url, &mut field)?;
    let field = variable.around.iter().rev().fold(field, |content, number| {
        let mut message = Vec::with_capacity(content.len() + 6);
        json::nest(&mut message, *number, |message| message.extend_from_slice(&content));
        message
    });
    out.extend_from_slice(&field);
    Ok(())
}
