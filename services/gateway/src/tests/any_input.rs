//! Whatever a client sends: an answer, and never one that blames the gateway.

use std::sync::LazyLock;

use axum::body::Body;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::services::World;

static RUNTIME: LazyLock<(Runtime, World)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async { World::new(|_| {}) });
    (runtime, world)
});

/// Text that is nearly JSON of a customer.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1e400".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("\"kind\"".to_owned()),
        Just("\"displayName\"".to_owned()),
        Just("\"contactPoints\":[{".to_owned()),
        Just("\"birthday\":{\"year\":".to_owned()),
        Just("\"createTime\":\"2026-".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        "\\PC{0,5}",
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn check(method: &str, path: &str, body: Vec<u8>) -> Result<(), TestCaseError> {
    let (runtime, world) = &*RUNTIME;
    let Ok(request) =
        world.request(method, path).header("content-type", "application/json").body(Body::from(body))
    else {
        return Ok(());
    };
    let answer = runtime.block_on(world.send(request));
    prop_assert!(!answer.status.is_server_error(), "{} {method} {path}: {}", answer.status, answer.json);
    if answer.status == 400 {
        let violations = answer.json["violations"].as_array().map_or(0, Vec::len);
        prop_assert!(violations > 0, "{}", answer.json);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_body_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in nearly_json()) {
        check("POST", "/v1/customers", bytes)?;
        check("POST", "/v1/customers", text.clone().into_bytes())?;
        check("POST", "/v1/customers/1:reveal", text.into_bytes())?;
    }

    #[test]
    fn any_path_and_query_is_answered(path in "[a-z0-9%:/*{}.]{0,30}", query in "([a-zA-Z._]{0,12}(=[a-z0-9%+.]{0,8})?&?){0,5}") {
        check("GET", &format!("/v1/customers/{path}?{query}"), Vec::new())?;
        check("GET", &format!("/v1/customers?pageSize={path}&{query}"), Vec::new())?;
        check("GET", &format!("/v1/{path}?{query}"), Vec::new())?;
    }
}
