//! Calls by JSON that go well, and what services answer otherwise.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::services::World;

fn world() -> World {
    World::new(|_| {})
}

#[tokio::test]
async fn a_read_is_canonical_json_and_carries_the_callers_token() {
    let world = world();
    let answer = world.get("/v1/customers/42").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json,
        json!({"name": "customers/42", "kind": "CUSTOMER_KIND_PERSON", "displayName": "Ada \"小\""})
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    let seen = world.seen().unwrap();
    assert!(!seen.anonymous);
    assert_eq!(seen.headers["authorization"].to_str().unwrap(), format!("Bearer {}", world.token));
    assert_eq!(seen.headers["grpc-timeout"], "30000m");
}

#[tokio::test]
async fn path_query_and_body_each_give_their_fields() {
    let world = world();
    let answer = world.get("/v1/customers?store=stores%2F1%C3%BC+x&pageSize=7&page_token=t").await;
    assert_eq!(answer.json, json!({"nextPageToken": "stores/1ü x||7|t"}));
    let answer =
        world.post("/v1/customers:search", r#"{"store": "stores/1", "q": "小 x", "pageSize": 7}"#).await;
    assert_eq!(answer.json, json!({"nextPageToken": "stores/1|小 x|7|"}));
    let answer = world.get("/v1/customers/a%3Ab/timelineEntries?kinds=A&kinds=B").await;
    assert_eq!(answer.json, json!({"nextPageToken": "customers/a:b|A,B"}));
    let body =
        r#"{"name": "customers/other", "field": "SENSITIVE_FIELD_NATIONAL_ID", "reason": "call back"}"#;
    let answer = world.post("/v1/customers/42:reveal", body).await;
    assert_eq!(answer.json, json!({"value": "customers/42|2|call back"}), "the path wins");
}

#[tokio::test]
async fn a_request_id_comes_as_query_parameter_or_as_idempotency_key() {
    let world = world();
    let key = "01933f2e-0000-7000-8000-000000000001";
    let answer = world.post("/v1/customers?requestId=r", r#"{"displayName": "Ada"}"#).await;
    assert_eq!(answer.json, json!({"displayName": "Ada", "etag": "r"}));
    let send = async |value: &str, path: &str| {
        let request = world.request("POST", path).header("idempotency-key", value);
        world.send(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(send(key, "/v1/customers").await.json["etag"], key);
    assert_eq!(send(&format!("\"{key}\""), "/v1/customers").await.json["etag"], key);
    let same = send(&key.to_uppercase(), &format!("/v1/customers?requestId={key}")).await;
    assert_eq!(same.json["etag"], key);
    let differ = send(key, "/v1/customers?requestId=01933f2e-0000-7000-8000-000000000002").await;
    assert_eq!(
        (differ.status, differ.fields()),
        (StatusCode::BAD_REQUEST, vec!["header.idempotency-key".into(), "requestId".into()])
    );
    let refused = send("7", "/v1/customers").await;
    assert_eq!(refused.json["violations"][0]["field"], "header.idempotency-key");
}

#[tokio::test]
async fn a_services_error_becomes_a_problem() {
    let world = world();
    let answer = world.post("/v1/customers", r#"{"displayName": "林小满"}"#).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.json["reason"], "CUSTOMER_EXISTS");
    assert_eq!(answer.json["metadata"], json!({"customer": "customers/7"}));
    assert_eq!(world.get("/v1/customers/none").await.status, StatusCode::NOT_FOUND);
    let away = world.get("/v1/customers/away").await;
    assert_eq!(
        (away.status, &away.headers["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap())
    );
}

#[tokio::test]
async fn a_deadline_is_the_clients_own_and_holds() {
    let world = world();
    let request = world.request("GET", "/v1/customers/slow").header("request-timeout", "0.1");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, &answer.json["code"]),
        (StatusCode::GATEWAY_TIMEOUT, &json!("DEADLINE_EXCEEDED"))
    );
    assert_eq!(world.seen().unwrap().headers["grpc-timeout"], "100m");
    let request = world.request("GET", "/v1/customers/7").header("grpc-timeout", "soon");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.json["violations"][0]["field"], "header.grpc-timeout");
}

#[tokio::test]
async fn a_services_violations_are_named_as_json_has_them() {
    let answer = world().post("/v1/customers", r#"{"displayName": "nobody"}"#).await;
    assert_eq!(answer.fields(), ["customer.displayName", "customer.contactPoints[0].value"]);
    assert_eq!(answer.json["detail"], "wrong fields: customer.contactPoints[0].value, customer.displayName");
    assert_eq!(answer.json["violations"][0]["description"], "is nobody's; correct displayName or nationalId");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_names_what_is_wrong_with_it() {
    let world = world();
    let refused = async |body: &'static [u8]| {
        let request = world.request("POST", "/v1/customers").header("content-type", "application/json");
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            (answer.status, &answer.json["reason"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_FIELDS"))
        );
        let violation = &answer.json["violations"][0];
        (
            violation["field"].as_str().unwrap().to_owned(),
            violation["description"].as_str().unwrap().to_owned(),
        )
    };
    let (field, remedy) = refused(b"\xef\xbb\xbf{\"displayName\": \"Ada\"}").await;
    assert_eq!(field, "body");
    assert!(remedy.contains("byte order mark"), "{remedy}");
    let (field, remedy) = refused(br#"{"displayName": "Ada", "store": 0192f2aa-0000}"#).await;
    assert_eq!(field, "customer.store");
    assert!(remedy.contains("double quotes"), "{remedy}");
    let (field, remedy) = refused(br#"{"createTime": "2026-11-22T09:30:00+25:00"}"#).await;
    assert_eq!(field, "customer.createTime");
    assert!(remedy.contains("offset from -23:59 to +23:59"), "{remedy}");
    let (field, remedy) = refused(br#"{"createTime": "2026-11-22T09:30:00.123456789012Z"}"#).await;
    assert_eq!(field, "customer.createTime");
    assert!(remedy.contains("nine decimals"), "{remedy}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_costs_no_work() {
    let world = world();
    for (name, value) in [("grpc-timeout", "0m"), ("request-timeout", "0"), ("request-timeout", "0.0s")] {
        // Nobody waits for the body.
        let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
        let request = world.request("POST", "/v1/customers").header(name, value).body(never).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.json["code"], "DEADLINE_EXCEEDED", "{name}: {value}");
    }
    assert!(world.seen().is_none());
}

#[tokio::test]
async fn every_answer_says_its_trace() {
    let world = world();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (path, status) in [("/v1/customers/42", 200), ("/v1/customers/none", 404), ("/v1/nothing", 404)] {
        let request =
            world.request("GET", path).header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.headers["trace-id"].to_str().unwrap()), (status, trace));
        assert!(status == 200 || answer.json["traceId"] == trace);
    }
}

#[tokio::test]
async fn nobody_is_never_signed_as_the_gateway_itself() {
    let world = world();
    // A public method is nobody's, whatever token is sent along.
    assert_eq!(world.get("/v1/keys").await.status, StatusCode::OK);
    let seen = world.seen().unwrap();
    assert!(seen.anonymous && !seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn who_has_no_token_is_told_before_a_body_is_read() {
    let world = world();
    let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let answer = world.send(Request::post("/v1/customers").body(never).unwrap()).await;
    assert_eq!((answer.status, &answer.json["reason"]), (StatusCode::UNAUTHORIZED, &json!("TOKEN_MISSING")));
    assert!(world.seen().is_none());
}

#[tokio::test]
async fn a_bad_token_is_refused_before_any_service_is_asked() {
    let world = world();
    for token in ["Bearer nonsense", "Bearer", "Basic abc", "Bearer a.b.c"] {
        let request = Request::get("/v1/customers/42").header("authorization", token);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status, &answer.json["reason"]),
            (StatusCode::UNAUTHORIZED, &json!("TOKEN_INVALID")),
            "{token}"
        );
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    assert!(world.seen().is_none());
}

#[tokio::test]
async fn what_a_client_says_about_itself_does_not_reach_a_service() {
    let world = world();
    let request = world.request("GET", "/v1/customers/42").header("x-foursight-caller", "service/customer");
    world
        .send(
            request
                .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    let headers = world.seen().unwrap().headers;
    assert!(!headers.contains_key("x-foursight-caller"));
    assert!(headers.contains_key("traceparent"));
}
