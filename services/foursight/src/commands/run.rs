//! `foursight all` and `foursight <role>`.

use std::sync::Arc;

use anyhow::{Context, Result};
use foursight::roles;
use foursight_runtime::{Role, Start, telemetry::Telemetry};

use super::tell;
use crate::cli::Config;

/// Runs every role in one process.
pub(super) async fn all(config: &Config) -> Result<()> {
    run("all", &roles::all(), config).await
}

/// Runs one role.
pub(super) async fn one(name: &str, config: &Config) -> Result<()> {
    let role = roles::named(name).with_context(|| format!("there is no role {name}"))?;
    run(name, &[role], config).await
}

async fn run(name: &str, roles: &[Arc<dyn Role>], config: &Config) -> Result<()> {
    let settings = Arc::new(config.settings()?);
    let telemetry = Telemetry::start(&settings.telemetry, name)?;
    let running = Start::new(settings, telemetry.metrics.clone()).run(roles).await?;
    let addresses = &running.addresses;
    tracing::info!(role = name, gateway = ?addresses.gateway, grpc = ?addresses.grpc, metrics = ?addresses.metrics, "running");
    stop_signal().await?;
    tell("stopping; once more to stop at once");
    tokio::select! {
        () = running.stop() => {}
        _ = stop_signal() => {}
    }
    telemetry.end();
    Ok(())
}

/// Ends with Ctrl-C, or with the signal by which an orchestrator asks.
pub(super) async fn stop_signal() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
