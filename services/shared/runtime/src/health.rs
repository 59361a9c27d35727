//! `/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use foursight_database::Pool;
use foursight_messaging::Bus;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::telemetry::Metrics;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer holds for those who may ask as often as they like.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the process can do its work, by the checks of `/readyz`: for a role that tells clients.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Set when everything has started.
    checks: OnceLock<Checks>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    pub(crate) fn begin(&self, checks: Checks) {
        let _ = self.0.checks.set(checks);
    }

    /// Whether the process is ready; at most a second old, however many ask.
    pub async fn holds(&self) -> bool {
        let Some(checks) = self.0.checks.get() else { return false };
        let mut last = self.0.last.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < FRESH
        {
            return ready;
        }
        let ready = look(checks).await.ready;
        *last = Some((Instant::now(), ready));
        ready
    }
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Checks {
    pub(crate) pools: Vec<(&'static str, Pool)>,
    pub(crate) bus: Bus,
    pub(crate) metrics: Metrics,
}

/// What `/readyz` answers.
#[derive(Debug, Serialize)]
struct Report {
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

async fn ready(State(checks): State<Checks>) -> (StatusCode, Json<Report>) {
    let report = look(&checks).await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report))
}

async fn look(checks: &Checks) -> Report {
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
    Report { ready, parts }
}
