//! One unary gRPC call with the message as bytes: framed here, so that nothing is decoded that is only passed on.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use foursight_kernel::Error;
use foursight_runtime::Anonymous;
use http::{HeaderMap, HeaderValue, Request, Response, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::stream::Messages;

/// A service that answers gRPC, in this process or across the network.
pub(crate) type Peer = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// The bytes before a message: a flag and the length.
pub(crate) const FRAME: usize = 5;

/// The largest answer that is passed on; the services' pages are far below it.
const MAX_ANSWER: usize = 32 << 20;

/// A call that is ready to be made.
pub(crate) struct Call {
    pub(crate) path: PathAndQuery,
    /// What goes on from the client's request.
    pub(crate) headers: HeaderMap,
    /// A message behind [`FRAME`] bytes of room.
    pub(crate) framed: Vec<u8>,
    pub(crate) timeout: Duration,
}

/// Makes the call and gives the answer's message.
pub(crate) async fn unary(peer: Peer, call: Call) -> Result<Bytes, Status> {
    let timeout = call.timeout;
    let request = request(call)?;
    let answer = async {
        let response = peer.oneshot(request).await?;
        message(response).await
    };
    in_time(timeout, answer).await
}

/// Makes a call that is answered by many messages, and gives them from the first one on, for which it waits.
pub(crate) async fn streaming(
    peer: Peer,
    call: Call,
    begin: impl AsyncFnOnce(Messages) -> Result<axum::response::Response, Status>,
) -> Result<axum::response::Response, Status> {
    let timeout = call.timeout;
    let request = request(call)?;
    let answer = async {
        let response = peer.oneshot(request).await?;
        begin(Messages::of(response)?).await
    };
    in_time(timeout, answer).await
}

/// The peer was told the same deadline; this is for a peer that does not keep it.
async fn in_time<T>(timeout: Duration, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    tokio::time::timeout(timeout, answer)
        .await
        .unwrap_or_else(|_| Err(Error::deadline_exceeded("the answer did not come in time").into()))
}

fn request(call: Call) -> Result<Request<Body>, Status> {
    let Call { path, mut headers, mut framed, timeout } = call;
    let length = framed.len().checked_sub(FRAME).and_then(|length| u32::try_from(length).ok());
    let (Some(length), Some(frame)) = (length, framed.first_chunk_mut::<FRAME>()) else {
        return Err(Status::internal("a message without room for its frame"));
    };
    let [a, b, c, d] = length.to_be_bytes();
    *frame = [0, a, b, c, d];

    let anonymous = !headers.contains_key(header::AUTHORIZATION);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert("grpc-timeout", timeout_header(timeout));
    let mut request = Request::new(Body::new(Full::new(Bytes::from(framed))));
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = http::Uri::from(path);
    *request.headers_mut() = headers;
    if anonymous {
        // Without this mark the channel would sign the call as the gateway's own.
        request.extensions_mut().insert(Anonymous);
    }
    Ok(request)
}

/// At most eight digits, as gRPC has it.
pub(crate) fn timeout_header(timeout: Duration) -> HeaderValue {
    let milliseconds = timeout.as_millis().min(99_999_999);
    HeaderValue::from_str(&format!("{milliseconds}m")).unwrap_or(HeaderValue::from_static("30S"))
}

async fn message(response: Response<Body>) -> Result<Bytes, Status> {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return if status.code() == Code::Ok { Err(no_message()) } else { Err(status) };
    }
    if response.status() != http::StatusCode::OK {
        return Err(Status::unavailable(format!("the service answered HTTP {}", response.status().as_u16())));
    }
    let mut body = response.into_body();
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        match frame.into_data() {
            Ok(data) if more.len() + data.len() > MAX_ANSWER => {
                return Err(Status::resource_exhausted("the answer is too large"));
            }
            Ok(data) if more.is_empty() && first.is_none() => first = Some(data),
            Ok(data) => {
                if let Some(first) = first.take() {
                    more.extend_from_slice(&first);
                }
                more.extend_from_slice(&data);
            }
            Err(frame) => {
                let status = frame.into_trailers().ok().as_ref().and_then(Status::from_header_map);
                if let Some(status) = status.filter(|status| status.code() != Code::Ok) {
                    return Err(status);
                }
            }
        }
    }
    unframed(first.unwrap_or_else(|| more.freeze()))
}

fn unframed(mut bytes: Bytes) -> Result<Bytes, Status> {
    if bytes.len() < FRAME {
        return Err(no_message());
    }
    let compressed = bytes.get_u8() != 0;
    let length = usize::try_from(bytes.get_u32()).unwrap_or(usize::MAX);
    if compressed || bytes.len() != length {
        return Err(Status::internal("the service answered with something other than one plain message"));
    }
    Ok(bytes)
}

fn no_message() -> Status {
    Status::internal("the service answered without a message")
}
