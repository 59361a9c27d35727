//! An OpenTelemetry collector that keeps what it is sent: traces, logs and metrics as they leave the process.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use axum::{Router, body::Body, extract::Request, response::Response};
use foursight_runtime::{Settings, telemetry::Telemetry};
use http_body_util::{BodyExt, Full};

type Kept = Arc<Mutex<Vec<u8>>>;

/// Runs for as long as it is held.
pub(crate) struct Collector {
    kept: Kept,
    telemetry: Mutex<Option<Telemetry>>,
    log: PathBuf,
    _runtime: tokio::runtime::Runtime,
}

impl Collector {
    /// Starts a collector, and the process' telemetry with it: the first telemetry of a process is the one that counts, so
    /// that a stack which starts afterwards sends its traces here.
    pub(crate) fn start() -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // A thread of its own: telemetry is exported while the tests' threads are busy, too.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let kept = Kept::default();
        let router = Router::new().fallback({
            let kept = kept.clone();
            move |request| keep(kept.clone(), request)
        });
        let log = std::env::temp_dir().join(format!("foursight-privacy-{}.log", std::process::id()));
        let _ = std::fs::remove_file(&log);
        let guard = runtime.enter();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        runtime.spawn(async move { axum::serve(listener, router).await });
        let overrides =
            format!("[telemetry]\notlp_endpoint = {endpoint:?}\nlog_file = {:?}", log.display().to_string());
        let telemetry = Telemetry::start(&Settings::load(None, &overrides)?.telemetry, "privacy")?;
        drop(guard);
        Ok(Self { kept, telemetry: Mutex::new(Some(telemetry)), log, _runtime: runtime })
    }

    /// Everything that was sent until now. Ends the telemetry: what was still under way comes, and nothing after it.
    pub(crate) async fn everything(&self) -> Result<Vec<u8>> {
        let telemetry = self.telemetry.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(telemetry) = telemetry {
            tokio::task::spawn_blocking(|| telemetry.end()).await.context("the telemetry ends")?;
        }
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// What the process has logged. Nobody needs the file afterwards.
    pub(crate) fn log(&self) -> Result<Vec<u8>> {
        let log = std::fs::read(&self.log).context("the process has no log")?;
        std::fs::remove_file(&self.log)?;
        Ok(log)
    }
}

/// Keeps a request's body, and answers as gRPC has it: an empty message, and a status behind it.
async fn keep(kept: Kept, request: Request) -> Response {
    if let Ok(body) = request.into_body().collect().await {
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&body.to_bytes());
    }
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let message =
        Full::new(bytes::Bytes::from_static(&[0; 5])).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(message));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    response
}
