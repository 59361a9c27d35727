//! `foursight erasure`.

use anyhow::{Result, ensure};
use foursight::erasure::verify;
use foursight_messaging::{Bus, topology::Topology};
use secrecy::ExposeSecret;

use super::print;
use crate::cli::{Erasure, ErasureCommand};

/// Holds a certificate against what there is.
pub(super) async fn run(arguments: &Erasure) -> Result<()> {
    let ErasureCommand::Verify { id } = &arguments.command;
    let settings = arguments.config.settings_of_running().await?;
    let topology = Topology::new(settings.nats.prefix.clone(), settings.nats.replicas);
    let bus = Bus::connect(settings.nats.url.expose_secret(), "foursight erasure", topology).await?;
    let report = verify(&settings, &bus, id).await?;
    for line in &report.looked_at {
        print(line)?;
    }
    for finding in &report.findings {
        print(&format!("NOT ERASED  {finding}"))?;
    }
    print(if report.findings.is_empty() { "PASS" } else { "FAIL" })?;
    ensure!(report.findings.is_empty(), "the certificate is not what there is");
    Ok(())
}
