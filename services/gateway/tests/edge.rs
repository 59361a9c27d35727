//! The gateway on its own listeners: clients that hang, readiness by gRPC, and figures.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use foursight_gateway::GatewayRole;
use foursight_runtime::{Role, RoleContext, RoleParts};
use foursight_testkit::{Servers, Stack};
use reqwest::{Client, StatusCode};
use sqlx::migrate::Migrator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Sends something by a connection, and gives what comes until the other end closes it.
async fn converse(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_half_a_request_is_answered_or_cut_off() {
    let limits = "[limits]\nhead_timeout_s = 1\nbody_timeout_s = 1";
    let stack = Stack::builder().role(GatewayRole).settings(limits).start().await.unwrap();
    let address = stack.running.addresses.gateway.unwrap();
    let half_a_body = "POST /v1/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    let answer = converse(address, half_a_body).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("BODY_TOO_SLOW"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(converse(address, "GET /v1/keys HTTP/1.1\r\nhost").await, "");
    stack.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused_in_words() {
    let stack = Stack::builder().role(GatewayRole).start().await.unwrap();
    let gateway = format!("http://{}/v1/keys", stack.running.addresses.gateway.unwrap());
    let by_http_1 = Client::builder().http1_only().build().unwrap();
    let by_http_2 = Client::builder().http2_prior_knowledge().build().unwrap();
    for client in [by_http_1, by_http_2] {
        let many = (0..120).fold(client.get(&gateway), |ask, n| ask.header(format!("x-number-{n}"), "1"));
        let long = client.get(&gateway).header("x-long", "a".repeat(40_000));
        for (ask, said) in [(many, "more than 100 headers"), (long, "more than 16384 bytes")] {
            let answer = ask.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let text = answer.text().await.unwrap();
            assert!(text.contains("HEADERS_TOO_LARGE") && text.contains(said), "{text}");
        }
    }
    stack.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_measured_by_route_and_never_by_path() {
    let stack = Stack::builder().role(GatewayRole).start().await.unwrap();
    let gateway = stack.running.addresses.gateway.unwrap();
    for (path, status) in [("/v1/customers/an-id", 401), ("/v1/no-such-path", 404)] {
        let answer = Client::new().get(format!("http://{gateway}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    let metrics = stack.running.addresses.metrics.unwrap();
    let text = Client::new().get(format!("http://{metrics}/metrics")).send().await.unwrap();
    let text = text.text().await.unwrap();
    let counted = |route: &str, status: u16| {
        text.lines().any(|line| {
            line.starts_with("http_server_request_duration_seconds_count")
                && line.contains(&format!("http_route=\"{route}\""))
                && line.contains(&format!("http_response_status_code=\"{status}\""))
        })
    };
    assert!(counted("/v1/{name=customers/*}", 401), "{text}");
    assert!(counted("unmatched", 404), "{text}");
    assert!(!text.contains("an-id") && !text.contains("no-such-path"), "{text}");
    stack.running.stop().await;
}

/// A role that has a database, and nothing in it.
struct Kept;

static EMPTY: Migrator = Migrator { migrations: Cow::Borrowed(&[]), ..Migrator::DEFAULT };

#[async_trait]
impl Role for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&EMPTY)
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        Ok(RoleParts::default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_by_grpc_is_readiness() {
    let servers = Servers::start().await.unwrap();
    let stack = Stack::builder().role(GatewayRole).role(Kept).servers(servers.clone()).start().await.unwrap();
    let grpc = format!("http://{}", stack.running.addresses.grpc.unwrap());
    let ready = format!("http://{}/readyz", stack.running.addresses.metrics.unwrap());
    let channel = tonic::transport::Channel::from_shared(grpc).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let mut check = async |service: &str| {
        let request = HealthCheckRequest { service: service.to_owned() };
        health.check(request).await.map(|answer| answer.into_inner().status())
    };
    assert_eq!(check("").await.unwrap(), ServingStatus::Serving);
    let case_service = "foursight.complaint.v1.CaseService";
    assert_eq!(check(case_service).await.unwrap(), ServingStatus::Serving);
    assert_eq!(check("nobody").await.unwrap_err().code(), tonic::Code::NotFound);

    servers.local.kill_postgres().await.unwrap();
    // An answer holds for a second.
    while check("").await.unwrap() == ServingStatus::Serving {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(Client::new().get(ready).send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(check(case_service).await.unwrap(), ServingStatus::NotServing);
    stack.running.stop().await;
}

/// One connection carries many clients' calls, when a proxy or another gateway is the client.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_given_up_take_no_others_with_them() {
    let stack = Stack::builder().role(GatewayRole).start().await.unwrap();
    let health = format!("http://{}/healthz", stack.running.addresses.gateway.unwrap());
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    assert!(client.get(&health).send().await.unwrap().status().is_success());
    for _ in 0..10 {
        let kept = (0..30).map(|_| client.get(&health).send());
        let given_up = (0..30).map(|_| {
            let call = client.get(&health).send();
            // Long enough to be sent, too short to be answered.
            async { drop(tokio::time::timeout(Duration::from_micros(300), call).await) }
        });
        let (kept, _) = tokio::join!(futures::future::join_all(kept), futures::future::join_all(given_up));
        for answer in kept {
            assert!(answer.unwrap().status().is_success());
        }
    }
    stack.running.stop().await;
}
