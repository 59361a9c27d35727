//! What HTTP itself refuses, the limits, and the pages.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::services::World;
use crate::settings::Rate;

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let world = World::new(|_| {});
    let answer = world.get("/v1/nothing").await;
    assert_eq!((answer.status, &answer.json["reason"]), (StatusCode::NOT_FOUND, &json!("PATH_UNKNOWN")));
    let request = world.request("DELETE", "/v1/customers").body(Body::empty()).unwrap();
    let answer = world.send(request).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST, GET");
    let request = world.request("HEAD", "/v1/customers/42").body(Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn internal_methods_have_no_path() {
    let world = World::new(|_| {});
    for path in ["/foursight.customer.v1.ContactService/ResolveContacts", "/v1/contacts:resolve"] {
        assert_eq!(world.post(path, "{}").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn too_much_is_refused_whatever_it_is() {
    let world = World::new(|settings| settings.json_body_limit = 1_000);
    let body = format!(r#"{{"displayName": "{}"}}"#, "x".repeat(2_000));
    assert_eq!(world.post("/v1/customers", &body).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = futures::stream::iter((0..2_000).map(|_| Ok::<_, std::io::Error>("[")));
    let request = world.request("POST", "/v1/customers").body(Body::from_stream(chunks)).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let path = format!("/v1/customers?q={}", "x".repeat(9_000));
    assert_eq!(world.get(&path).await.status, StatusCode::URI_TOO_LONG);
    let request = world.request("GET", "/v1/customers/1").header("x-long", "x".repeat(20_000));
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn only_json_is_taken_and_only_where_a_body_belongs() {
    let world = World::new(|_| {});
    let send = async |kind: &str| {
        let request = world.request("POST", "/v1/customers").header("content-type", kind);
        world.send(request.body(Body::from("{}")).unwrap()).await.status
    };
    assert_eq!(send("application/x-www-form-urlencoded").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send("application/json; charset=gbk").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send("Application/JSON; charset=\"UTF-8\"").await, StatusCode::OK);
    let request = world.request("GET", "/v1/customers/1").body(Body::from("{}")).unwrap();
    let answer = world.send(request).await;
    assert_eq!(
        (answer.status, &answer.json["violations"][0]["field"]),
        (StatusCode::BAD_REQUEST, &json!("body"))
    );
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_what_to_do() {
    let world = World::new(|_| {});
    let send = async |encoding: &str| {
        let request = world.request("POST", "/v1/customers").header("content-encoding", encoding);
        world.send(request.body(Body::from("{}")).unwrap()).await
    };
    let refused = send("gzip").await;
    assert_eq!(
        (refused.status, &refused.json["reason"]),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("CONTENT_ENCODING_UNSUPPORTED"))
    );
    assert_eq!(refused.headers["accept-encoding"], "identity");
    assert_eq!(send("identity").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_violation_of_path_query_and_body_comes_at_once() {
    let world = World::new(|_| {});
    let answer = world
        .post(
            "/v1/customers?requestId=a&requestId=b&customer.etag=x&colour=red",
            r#"{"kind": "BAD", "etag": 1}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let fields: Vec<_> =
        answer.json["violations"].as_array().unwrap().iter().map(|each| each["field"].clone()).collect();
    assert_eq!(fields, ["customer.kind", "customer.etag", "requestId", "customer.etag", "colour"]);
    assert_eq!(answer.json["reason"], "INVALID_FIELDS");
    let answer = world.get("/v1/customers?pageSize=many&name=%ff").await;
    let fields: Vec<_> =
        answer.json["violations"].as_array().unwrap().iter().map(|each| each["field"].clone()).collect();
    assert_eq!(fields, ["pageSize", "name"]);
    let answer = world.get("/v1/customers/%ff").await;
    assert_eq!(answer.json["violations"][0]["field"], "name");
}

#[tokio::test]
async fn sign_ins_are_limited_by_their_login() {
    let world = World::new(|_| {});
    let body = r#"{"password": {"login": "lin", "password": "x"}}"#;
    for _ in 0..3 {
        assert_eq!(world.post("/v1/tokens", body).await.status, StatusCode::OK);
    }
    let refused = world.post("/v1/tokens", &body.replace("lin", " LIN")).await;
    assert_eq!(
        (refused.status, &refused.json["reason"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("RATE_LIMITED"))
    );
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(world.post("/v1/tokens", &body.replace("lin", "wu")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_that_somebody_guesses_at_is_open_to_its_owner_elsewhere() {
    let world = World::new(|settings| settings.trusted_proxies = 1);
    let body = r#"{"password": {"login": "lin", "password": "x"}}"#;
    let from = async |network: &str| {
        let request = Request::post("/v1/tokens").header("x-forwarded-for", network);
        let request = request.header("x-foursight-client-network", "made up");
        world.send(request.body(Body::from(body)).unwrap()).await.status.as_u16()
    };
    for expected in [200, 200, 200, 429] {
        assert_eq!(from("192.0.2.1").await, expected);
    }
    assert_eq!(from("2001:db8::7").await, 200);
    // Identity hears which network it was, and from us alone.
    assert_eq!(world.seen().unwrap().headers["x-foursight-client-network"], "2001:db8::");
}

#[tokio::test]
async fn an_account_and_an_address_are_limited() {
    let few = Rate { calls: 1, per_s: 60, burst: 2 };
    let world = World::new(|settings| settings.limits.account = few);
    for expected in [200, 200, 429] {
        assert_eq!(world.get("/v1/customers/1").await.status.as_u16(), expected);
    }
    let world = World::new(|settings| {
        settings.limits.address = few;
        settings.trusted_proxies = 1;
    });
    let from = async |forwarded: &str| {
        let request =
            Request::get("/v1/keys").header("x-forwarded-for", forwarded).body(Body::empty()).unwrap();
        world.send(request).await.status.as_u16()
    };
    for expected in [200, 200, 429] {
        assert_eq!(from("203.0.113.9, 192.0.2.1").await, expected);
    }
    assert_eq!(from("192.0.2.1, 192.0.2.2").await, 200, "only what our own proxy says counts");
}

#[tokio::test]
async fn the_description_and_its_page_are_served() {
    let world = World::new(|_| {});
    let answer = world.get("/openapi.json").await;
    assert_eq!((answer.status, &answer.json["openapi"]), (StatusCode::OK, &json!("3.1.0")));
    for path in ["/docs", "/docs/try.js", "/docs/style.css", "/healthz"] {
        assert_eq!(world.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_only_may_call() {
    let world = World::new(|settings| settings.allowed_origins = vec!["https://console.example".to_owned()]);
    let ask = async |origin: &str| {
        let request = Request::options("/v1/customers")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .body(Body::empty())
            .unwrap();
        world.send(request).await.headers.contains_key("access-control-allow-origin")
    };
    assert!(ask("https://console.example").await);
    assert!(!ask("https://elsewhere.example").await);
}
