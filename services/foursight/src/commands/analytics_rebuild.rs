//! `foursight analytics-rebuild`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use foursight::up::Plan;
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::{Database, Settings};
use secrecy::ExposeSecret;

use super::{private_configuration, tell};
use crate::cli::{Config, DATA};

/// Forgets the facts of analytics, which are made again when it starts. The servers of a private stack, which end together with its
/// roles, are started for it.
pub(super) async fn run(config: &Config) -> Result<()> {
    let Some(data) = private_stack(config) else { return forget(&config.settings()?).await };
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

/// The folder of the private stack that is meant, if one is.
fn private_stack(config: &Config) -> Option<PathBuf> {
    if config.data.is_some() || config.config.is_some() {
        return config.data.clone();
    }
    let here = Path::new(DATA);
    private_configuration(here).exists().then(|| here.to_owned())
}

async fn forget(settings: &Settings) -> Result<()> {
    let url = settings.service("analytics").database_url;
    let url = url.context("services.analytics.database_url is not set")?;
    let database = Database::connect(url.expose_secret(), "analytics", &settings.database)?;
    let topology = Topology::new(settings.nats.prefix.clone(), settings.nats.replicas);
    let name = "foursight analytics-rebuild";
    let bus = Bus::connect(settings.nats.url.expose_secret(), name, topology).await?;
    let heard = foursight_analytics::rebuild(&database, &bus).await?;
    tell(&format!("the facts of {heard} events are forgotten; start analytics, and it makes them again"));
    Ok(())
}
