//! `foursight audit`.

use anyhow::{Result, ensure};
use foursight::roles;
use foursight_access::audit::{self, Verdict};
use foursight_runtime::Database;
use secrecy::ExposeSecret;

use super::print;
use crate::cli::Config;

/// Walks the chain of every service's audit log.
pub(super) async fn run(config: &Config) -> Result<()> {
    let settings = config.settings_here()?;
    let (mut whole, mut walked) = (true, false);
    for role in roles::all() {
        let Some(url) = settings.service(role.name()).database_url.filter(|_| role.migrator().is_some())
        else {
            continue;
        };
        let database = Database::connect(url.expose_secret(), role.name(), &settings.database)?;
        let mut tx = database.begin_as_service().await?;
        let verdict = match audit::verify(&mut tx).await? {
            Verdict::Whole(rows) => format!("whole, {rows} rows"),
            Verdict::Broken { link } => {
                whole = false;
                format!("BROKEN at row {link} of the chain: somebody changed, removed or moved it")
            }
        };
        print(&format!("{:<13} {verdict}", role.name()))?;
        walked = true;
    }
    ensure!(walked, "no database is configured: say --data DIR of a stack that runs, or --config FILE");
    ensure!(whole, "an audit log is not what was written");
    Ok(())
}
