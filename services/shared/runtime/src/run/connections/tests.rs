//! Over real sockets, with limits of a second.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Instant;

use axum::routing::{get, post};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
};

use super::*;
use crate::SlowBody;

/// Longer than any limit here, and shorter than a test may take.
const LONG: Duration = Duration::from_secs(20);

struct House {
    doorkeeper: Doorkeeper,
    address: SocketAddr,
    /// Lets `/slow` answer.
    go_on: Arc<Notify>,
    /// Told when a request reached a handler.
    reached: Arc<Notify>,
}

impl House {
    async fn open(head_timeout_s: u64, body_timeout_s: u64, connections: usize) -> Self {
        let limits = LimitSettings {
            concurrency: 8,
            default_deadline_s: 30,
            connections,
            head_timeout_s,
            body_timeout_s,
        };
        let (go_on, reached) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (go_on, reached) = (go_on.clone(), reached.clone());
            async move || {
                reached.notify_one();
                go_on.notified().await;
                "at last"
            }
        };
        let read = {
            let reached = reached.clone();
            async move |body: Body| {
                reached.notify_one();
                match axum::body::to_bytes(body, 1_000).await {
                    Ok(bytes) => format!("{} bytes", bytes.len()),
                    Err(error) if SlowBody::is_behind(&error) => "too slow".to_owned(),
                    Err(error) => error.to_string(),
                }
            }
        };
        let who = async |ConnectInfo(address): ConnectInfo<SocketAddr>| address.to_string();
        let router =
            Router::new().route("/slow", get(slow)).route("/read", post(read)).route("/who", get(who));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let doorkeeper = Doorkeeper::new(&limits);
        doorkeeper.open(listener, router);
        Self { doorkeeper, address, go_on, reached }
    }

    /// A connection by which this was sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn stop(&self) -> Duration {
        let began = Instant::now();
        let tasks = self.doorkeeper.close();
        tasks.close();
        timeout(LONG, tasks.wait()).await.unwrap();
        began.elapsed()
    }
}

/// All that comes until the other end closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A connection that was cut is closed, too.
    let _ = timeout(LONG, stream.read_to_string(&mut text)).await.unwrap();
    text
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let house = House::open(1, 60, 100).await;
    let begun = "GET /who HTTP/1.1\r\nhost: x\r\n";
    let half_a_head = house.send(begun).await;
    let silent = house.send("").await;
    let half_a_preface = house.send("PRI * HTTP/2").await;
    let nothing_more = house.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    for stream in [half_a_head, silent, half_a_preface, nothing_more] {
        assert!(!rest(stream).await.contains("200 OK"));
    }
    // The second head of a connection has no more time than the first.
    let answer = rest(house.send(&format!("{begun}\r\n{begun}")).await).await;
    assert_eq!(answer.matches("200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up_however_it_trickles() {
    let house = House::open(60, 1, 100).await;
    let mut stream = house.send("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n").await;
    let (mut answer, mut trickle) = (stream.split(), 0);
    let mut text = [0; 1_000];
    let end = loop {
        tokio::select! {
            read = answer.0.read(&mut text) => break read.unwrap(),
            () = sleep(Duration::from_millis(100)) => {
                trickle += 1;
                answer.1.write_all(b"x").await.unwrap();
            }
        }
    };
    let text = String::from_utf8_lossy(&text[..end]);
    assert!(text.contains("too slow") && trickle < 100, "{text}");
}

#[tokio::test]
async fn what_hangs_does_not_delay_the_stop_and_what_came_whole_is_answered() {
    let house = House::open(60, 60, 100).await;
    let _silent = house.send("").await;
    let _half_a_head = house.send("GET /who HTTP/1.1\r\nhost:").await;
    let mut idle = house.send("GET /who HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(idle.read(&mut [0; 1_000]).await.unwrap() > 0);
    let half_a_body = house.send("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf").await;
    house.reached.notified().await;
    assert!(house.stop().await < Duration::from_secs(3));
    assert!(rest(half_a_body).await.contains("too slow"));
    assert_eq!(rest(idle).await, "");

    let house = House::open(60, 60, 100).await;
    let whole = house.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    house.reached.notified().await;
    let stopping = async {
        house.doorkeeper.close();
        house.go_on.notify_one();
        house.stop().await
    };
    let (answer, _) = tokio::join!(rest(whole), stopping);
    assert!(answer.contains("200 OK") && answer.ends_with("at last"), "{answer}");
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn so_many_connections_at_once_and_the_next_when_one_ends() {
    let house = House::open(60, 60, 1).await;
    let first = house.send("GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    house.reached.notified().await;
    let mut second = house.send("GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let early = timeout(Duration::from_millis(200), second.read(&mut [0; 100])).await;
    assert!(early.is_err(), "the second waits");
    house.go_on.notify_one();
    assert!(rest(first).await.contains("at last"));
    let local = second.local_addr().unwrap();
    assert!(rest(second).await.ends_with(&local.to_string()), "a handler knows who calls");
}
