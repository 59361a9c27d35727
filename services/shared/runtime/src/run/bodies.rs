//! Bodies on their way: a request's must have come in time, and an answer's keeps its request in hand until it is out.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tower::BoxError;

use super::connections::InHand;

/// The error of a request's body that did not come in time.
#[derive(Debug, Error)]
#[error("the request's body did not come in time")]
pub struct SlowBody;

impl SlowBody {
    /// Whether it is what an error came from.
    pub fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        error.is::<Self>() || error.source().is_some_and(Self::is_behind)
    }
}

/// How long a body may still take after the stop began.
const AT_THE_STOP: Duration = Duration::from_millis(500);

/// A request's body that is given up when it takes too long as a whole: a byte now and then buys no time.
pub(super) struct Timely {
    body: Incoming,
    until: Instant,
    stop: CancellationToken,
    /// Made when there is something to wait for: most bodies are there at once.
    patience: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Timely {
    pub(super) fn new(body: Incoming, limit: Duration, stop: CancellationToken) -> Self {
        Self { body, until: Instant::now() + limit, stop, patience: None }
    }
}

async fn patience(until: Instant, stop: CancellationToken) {
    let stopping = async {
        stop.cancelled().await;
        sleep(AT_THE_STOP).await;
    };
    tokio::select! {
        () = sleep_until(until) => {}
        () = stopping => {}
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let (until, stop) = (this.until, &this.stop);
        let patience = this.patience.get_or_insert_with(|| Box::pin(patience(until, stop.clone())));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Some(Err(SlowBody.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body, with what says that its request is in hand.
pub(super) struct Held {
    pub(super) body: Body,
    pub(super) _in_hand: InHand,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
