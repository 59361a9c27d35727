//! Connections: so many at once, given up when no request comes by them, and ended in order.
//!
//! Whoever connects and says nothing, or says it byte by byte, holds a connection for no longer than the limits allow, and
//! never holds up the stop: only a request that came whole is waited for.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::bodies::{Held, Timely};
use crate::settings::LimitSettings;

/// How long an ending connection may take to send what is on its way out.
const LAST_BYTES: Duration = Duration::from_millis(500);

/// An HTTP/2 connection that is quiet is asked after this whether its other end still lives, and has so long to answer.
const ASK_EVERY: Duration = Duration::from_secs(20);

/// What HTTP itself refuses by a bare 431. Far more than a role allows, which can say what is wrong.
const MOST_HEADERS: usize = 512;
const LONGEST_HEAD: u32 = 256 << 10;

/// So many calls of one connection may be given up before they were looked at. Then it ends, and all that is under way on it: a
/// client may not make work by giving it up. More than HTTP's usual 20, because a gateway's calls for everybody go by one connection.
const MOST_GIVEN_UP: usize = 1_024;

/// Looks after every listener of the process.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    limits: LimitSettings,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Doorkeeper {
    pub(super) fn new(limits: &LimitSettings) -> Self {
        Self { limits: limits.clone(), stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Answers what comes by a listener.
    pub(super) fn open(&self, listener: TcpListener, router: Router) {
        let host = Host {
            router,
            head: Duration::from_secs(self.limits.head_timeout_s),
            body: Duration::from_secs(self.limits.body_timeout_s),
            stop: self.stop.clone(),
        };
        let (places, tasks) = (Arc::new(Semaphore::new(self.limits.connections)), self.tasks.clone());
        self.tasks.spawn(async move {
            let stop = host.stop.clone();
            let next = async || {
                let place = places.clone().acquire_owned().await;
                (place, accept(&listener).await)
            };
            while let Some((place, (stream, address))) = stop.run_until_cancelled(next()).await {
                let host = host.clone();
                tasks.spawn(async move {
                    host.converse(stream, address).await;
                    drop(place);
                });
            }
        });
    }

    /// No new connections and requests; gives what is still under way.
    pub(super) fn close(&self) -> &TaskTracker {
        self.stop.cancel();
        &self.tasks
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => {
            }
            Err(error) => {
                // Most likely out of file descriptors, which come back as connections end.
                tracing::error!(%error, "connections cannot be accepted now");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What every connection of a listener needs.
#[derive(Clone)]
struct Host {
    router: Router,
    head: Duration,
    body: Duration,
    stop: CancellationToken,
}

impl Host {
    async fn converse(self, stream: TcpStream, address: SocketAddr) {
        // Answers are small: they are not held back to be sent together.
        let _ = stream.set_nodelay(true);
        let Self { router, head, body, stop } = self;
        let requests = Requests::default();
        let service = {
            let (requests, stop) = (requests.clone(), stop.clone());
            service_fn(move |request: Request<Incoming>| {
                let in_hand = requests.begin();
                let mut request =
                    request.map(|incoming| Body::new(Timely::new(incoming, body, stop.clone())));
                request.extensions_mut().insert(ConnectInfo(address));
                let answer = router.clone().oneshot(request);
                async move {
                    let Ok(response) = answer.await;
                    Ok::<_, Infallible>(response.map(|body| Held { body, _in_hand: in_hand }))
                }
            })
        };
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_headers(MOST_HEADERS);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(ASK_EVERY).keep_alive_timeout(ASK_EVERY);
        builder
            .http2()
            .max_header_list_size(LONGEST_HEAD)
            .max_pending_accept_reset_streams(Some(MOST_GIVEN_UP));
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        // How a connection ended is its client's affair.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = requests.none_after(head) => return,
            () = stop.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection.as_mut() => return,
            () = requests.done() => {}
        }
        let _ = timeout(LAST_BYTES, connection).await;
    }
}

/// What came by one connection so far.
#[derive(Debug, Clone)]
struct Requests(Arc<watch::Sender<Count>>);

#[derive(Debug, Default)]
struct Count {
    ever: bool,
    in_hand: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }
}

impl Requests {
    fn begin(&self) -> InHand {
        self.0.send_modify(|count| {
            count.ever = true;
            count.in_hand += 1;
        });
        InHand(self.clone())
    }

    /// Ends when so much time has gone without a single request. Later ones are HTTP's own business: HTTP/1.1 has a limit
    /// for each head, and HTTP/2 asks whether the other end lives, which one in the middle of a head cannot answer.
    async fn none_after(&self, limit: Duration) {
        sleep(limit).await;
        if self.0.borrow().ever {
            std::future::pending::<()>().await;
        }
    }

    /// Ends when no request is in hand.
    async fn done(&self) {
        // It fails when the sender is gone, and that is ours.
        let _ = self.0.subscribe().wait_for(|count| count.in_hand == 0).await;
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InHand(Requests);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.in_hand -= 1);
    }
}

#[cfg(test)]
mod tests;
