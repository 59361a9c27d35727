//! `foursight analytics-rebuild`.

use anyhow::{Context, Result};
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::Database;
use secrecy::ExposeSecret;

use super::tell;
use crate::cli::Config;

/// Forgets the facts of analytics, which are made again when it starts.
pub(super) async fn run(config: &Config) -> Result<()> {
    let settings = config.settings()?;
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
