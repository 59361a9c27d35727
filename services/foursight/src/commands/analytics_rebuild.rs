//! `foursight analytics-rebuild`.

use std::sync::Arc;

use anyhow::{Result, ensure};
use foursight::up::Plan;
use foursight_kernel::{Clock, SystemClock};
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::{Database, Settings};
use secrecy::ExposeSecret;

use super::{private_configuration, tell};
use crate::cli::Config;

/// Forgets the facts of analytics, which are made again when it starts. The servers of a private stack, which end together with its
/// roles, are started for it.
pub(super) async fn run(config: &Config) -> Result<()> {
    let Some(data) = config.private_stack() else { return forget(&config.settings()?).await };
    ensure!(private_configuration(&data).exists(), "no private stack has ever run in {}", data.display());
    let plan = Plan {
        data,
        port_base: None,
        fresh: false,
        customers: 0,
        seed: 0,
        progress: Arc::new(|what| tell(&format!("· {what}"))),
        loaded: Box::new(|_, _| {}),
    };
    let prepared = plan.prepare().await?;
    let done = forget(&prepared.settings).await;
    prepared.servers.stop().await?;
    done
}

async fn forget(settings: &Settings) -> Result<()> {
    let database = Database::of(settings, "analytics")?;
    let topology = Topology::new(settings.nats.prefix.clone(), settings.nats.replicas);
    let name = "foursight analytics-rebuild";
    let bus = Bus::connect(settings.nats.url.expose_secret(), name, topology).await?;
    let heard = foursight_analytics::rebuild(&database, &bus, SystemClock.now()).await?;
    tell(&format!(
        "the facts of {heard} events are forgotten; start analytics, and it makes them again; until then figures are answered with the rebuild that is under way"
    ));
    Ok(())
}
