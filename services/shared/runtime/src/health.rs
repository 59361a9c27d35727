//! `/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use foursight_database::Pool;
use foursight_messaging::Bus;
use serde::Serialize;

use crate::telemetry::Metrics;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Checks {
    pub(crate) pools: Vec<(&'static str, Pool)>,
    pub(crate) bus: Bus,
    pub(crate) metrics: Metrics,
}

/// What `/readyz` answers.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// `ok`, or what is wrong, for each part.
    parts: BTreeMap<String, &'static str>,
}

pub(crate) fn router(checks: Checks) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(checks): State<Checks>| async move { checks.metrics.text() }))
        .with_state(checks)
}

async fn ready(State(checks): State<Checks>) -> (StatusCode, Json<Readiness>) {
    let mut parts = BTreeMap::new();
    for (service, pool) in &checks.pools {
        let answer = tokio::time::timeout(PATIENCE, pool.begin("BEGIN")).await;
        let verdict = if matches!(answer, Ok(Ok(_))) { "ok" } else { "the database does not answer" };
        parts.insert(format!("{service}.database"), verdict);
    }
    // Writes go on without NATS: events wait in the outbox. It is told, but the role stays ready.
    let events = if checks.bus.is_connected() { "ok" } else { "away; events wait in the outbox" };
    let ready = parts.values().all(|verdict| *verdict == "ok");
    parts.insert("events".to_owned(), events);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, parts }))
}
