//! Rate limits with a real Redis: one count for two replicas, and a gateway that goes on when Redis does not.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use foursight_gateway::GatewayRole;
use foursight_testkit::{Servers, Stack};
use reqwest::{Client, StatusCode};
use serde_json::json;

const FEW: &str = "[gateway.limits]\nsign_in_login = { calls = 1, per_s = 60, burst = 3 }";

/// Identity does not run here: what passes the limit is answered with 503.
const PASSED: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

async fn sign_in(stack: &Stack, login: &str) -> StatusCode {
    let address = stack.running.addresses.gateway.unwrap();
    let body = json!({"password": {"login": login, "password": "not the one"}});
    let url = format!("http://{address}/v1/tokens");
    Client::new().post(url).json(&body).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_count_together() {
    let servers = Servers::start().await.unwrap();
    let start = || Stack::builder().role(GatewayRole).settings(FEW).servers(servers.clone()).start();
    let (one, other) = (start().await.unwrap(), start().await.unwrap());
    // The first call after a start may find that Redis is not connected yet.
    sign_in(&one, "warm-up").await;
    sign_in(&other, "warm-up").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;

    assert_eq!(sign_in(&one, "lin").await, PASSED);
    assert_eq!(sign_in(&other, "lin").await, PASSED);
    assert_eq!(sign_in(&one, "lin").await, PASSED);
    assert_eq!(sign_in(&other, "LIN").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&other, "wu").await, PASSED);
    one.running.stop().await;
    other.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_gateway_goes_on_and_still_limits() {
    let servers = Servers::start().await.unwrap();
    let stack =
        Stack::builder().role(GatewayRole).settings(FEW).servers(servers.clone()).start().await.unwrap();
    assert_eq!(sign_in(&stack, "wu").await, PASSED);
    servers.local.kill_redis().await.unwrap();
    for expected in [PASSED, PASSED, PASSED, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(sign_in(&stack, "lin").await, expected);
    }
    stack.running.stop().await;
}

/// Far fewer than the limit allows are all let in, however close together they come.
#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_same_moment_are_counted_and_not_refused() {
    let servers = Servers::start().await.unwrap();
    let stack = Stack::builder().role(GatewayRole).servers(servers).start().await.unwrap();
    sign_in(&stack, "warm-up").await;
    let address = stack.running.addresses.gateway.unwrap();
    let url = format!("http://{address}/v1/customers/nobody");
    let client = Client::new();
    for _ in 0..3 {
        // What was left of the moment before is given up.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        let calls = (0..200).map(|_| client.get(&url).send());
        for answer in futures::future::try_join_all(calls).await.unwrap() {
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
    }
    stack.running.stop().await;
}
