//! `foursight audit`.

use anyhow::{Context, Result, ensure};
use foursight::{
    audit::{Examined, Finding, examine},
    roles,
};
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::Database;
use secrecy::ExposeSecret;

use super::print;
use crate::cli::Config;

/// Walks the chain of every service's audit log, and compares it with what is known of it outside the database.
pub(super) async fn run(config: &Config) -> Result<()> {
    let settings = config.settings_of_running().await?;
    let topology = Topology::new(settings.nats.prefix.clone(), settings.nats.replicas);
    let bus = Bus::connect(settings.nats.url.expose_secret(), "foursight audit", topology).await?;
    let (mut walked, mut wrong, mut compared) = (false, false, true);
    for role in roles::all() {
        if role.migrator().is_none() || settings.service(role.name()).database_url.is_none() {
            continue;
        }
        let database = Database::of(&settings, role.name())?;
        let mut tx = database.begin_as_service().await.with_context(|| {
            format!("services.{}.database_url: does the database run there?", role.name())
        })?;
        let Examined { rows, anchors, anchored_from, findings } = examine(&mut tx, &bus, role.name()).await?;
        if findings.is_empty() {
            let anchored = match anchored_from {
                Some(from) => {
                    format!("the same as its {anchors} anchors outside the database, from row {from} on")
                }
                None => "nothing to anchor yet".to_owned(),
            };
            print(&format!("{:<13} whole, {rows} rows; {anchored}", role.name()))?;
        }
        for finding in findings {
            print(&format!("{:<13} {finding}", role.name()))?;
            match finding {
                Finding::NoAnchor | Finding::AnchorsAway(_) => compared = false,
                _ => wrong = true,
            }
        }
        walked = true;
    }
    ensure!(walked, "no database is configured: say --data DIR of a stack that runs, or --config FILE");
    ensure!(!wrong, "an audit log is not what was written");
    ensure!(compared, "an audit log could not be compared with its anchors");
    Ok(())
}
