//! A call that is answered by many messages: each is passed on as soon as it is there, and memory holds one.
//!
//! Messages go out as lines of JSON; those of `google.api.HttpBody` as the bytes that they hold, which together are a file.

use std::time::Duration;

use axum::body::Body as Answer;
use bytes::{Buf as _, Bytes, BytesMut};
use foursight_kernel::Error;
use foursight_proto::google::api::HttpBody;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tonic::{Code, Status, body::Body};

use crate::{call::FRAME, gateway::Gateway, json, schema::MessageId};

/// What streams of messages are as HTTP has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line of JSON for each message.
    Lines(MessageId),
    /// A file.
    File,
}

/// The largest message that is passed on.
const MOST: usize = 8 << 20;
/// For how long a service is waited for between two messages.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a service says of a file in the head of its answer.
const OF_FILES: [HeaderName; 1] = [header::CONTENT_DISPOSITION];

/// The messages of an answer.
pub(crate) struct Messages {
    headers: HeaderMap,
    body: Body,
    held: BytesMut,
    over: bool,
}

impl Messages {
    /// Of an answer that has begun.
    ///
    /// # Errors
    /// The service's, when it refused the call.
    pub(crate) fn of(response: Response<Body>) -> Result<Self, Status> {
        if let Some(status) = Status::from_header_map(response.headers())
            && status.code() != Code::Ok
        {
            return Err(status);
        }
        let (parts, body) = response.into_parts();
        Ok(Self { headers: parts.headers, body, held: BytesMut::new(), over: false })
    }

    /// The next message; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(head) = self.held.first_chunk::<FRAME>() {
                let [compressed, a, b, c, d] = *head;
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                if compressed != 0 || length > MOST {
                    return Err(Status::internal(
                        "the service answered with a message that is not passed on",
                    ));
                }
                if self.held.len() >= FRAME + length {
                    self.held.advance(FRAME);
                    return Ok(Some(self.held.split_to(length).freeze()));
                }
            }
            if self.over {
                return if self.held.is_empty() {
                    Ok(None)
                } else {
                    Err(Status::internal("a message is cut off"))
                };
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let frame =
                frame.map_err(|_| Error::deadline_exceeded("the rest of the answer did not come in time"))?;
            match frame.transpose()?.map(http_body::Frame::into_data) {
                None => self.over = true,
                Some(Ok(data)) => self.held.extend_from_slice(&data),
                Some(Err(frame)) => {
                    self.over = true;
                    let status = frame.into_trailers().ok().as_ref().and_then(Status::from_header_map);
                    if let Some(status) = status.filter(|status| status.code() != Code::Ok) {
                        return Err(status);
                    }
                }
            }
        }
    }

    /// The answer that HTTP has. The first message is waited for, so that what is refused before it is refused as any call is.
    ///
    /// # Errors
    /// The service's.
    pub(crate) async fn answer(
        mut self,
        gateway: std::sync::Arc<Gateway>,
        form: Form,
    ) -> Result<Response<Answer>, Status> {
        let first = self.next().await?;
        let content_type = match (form, &first) {
            (Form::File, Some(first)) => {
                let file = HttpBody::decode(first.clone()).map_err(Error::internal)?;
                HeaderValue::from_str(&file.content_type).map_err(Error::internal)?
            }
            (Form::File, None) => HeaderValue::from_static("application/octet-stream"),
            (Form::Lines(_), _) => HeaderValue::from_static("application/jsonl"),
        };
        let passed_on = OF_FILES.map(|name| self.headers.get(&name).cloned().map(|value| (name, value)));
        let pieces = stream::try_unfold((self, first), move |(mut messages, first)| {
            let gateway = gateway.clone();
            async move {
                let next = match first {
                    Some(first) => Some(first),
                    None => messages.next().await.inspect_err(cut_off)?,
                };
                let Some(message) = next else { return Ok::<_, Status>(None) };
                Ok(Some((piece(&gateway, form, message)?, (messages, None))))
            }
        });
        let mut response = Response::new(Answer::from_stream(pieces));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response.headers_mut().extend(passed_on.into_iter().flatten());
        Ok(response)
    }
}

/// The head has gone: the client learns that something is missing by a connection that ends without the body's end.
fn cut_off(status: &Status) {
    tracing::warn!(code = ?status.code(), "an answer of many messages was cut off");
}

fn piece(gateway: &Gateway, form: Form, message: Bytes) -> Result<Bytes, Status> {
    match form {
        Form::File => Ok(HttpBody::decode(message).map_err(Error::internal)?.data),
        Form::Lines(output) => {
            let mut line = Vec::with_capacity(message.len() * 2 + 64);
            json::encode::encode(&gateway.schema, output, &message, &mut line).map_err(Error::internal)?;
            line.push(b'\n');
            Ok(line.into())
        }
    }
}
