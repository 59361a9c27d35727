//! What `foursight all` does, with the tests' probe beside the product's roles: a process that tests may kill. It tells its
//! gateway's address on standard output as soon as it runs, and stops in order when its standard input ends.

use std::{
    io::{Read, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result};
use foursight_runtime::{Settings, Start, telemetry::Telemetry};
use foursight_tests::probe;

#[tokio::main]
async fn main() -> Result<()> {
    // One crypto library for the whole process; a second installation is no harm.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file: PathBuf =
        std::env::args_os().nth(1).context("the configuration's file is the argument")?.into();
    let settings = Arc::new(Settings::load(Some(&file), "")?);
    let telemetry = Telemetry::start(&settings.telemetry, "all")?;
    let running = Start::new(settings, telemetry.metrics.clone()).run(&probe::roles()).await?;
    let address = running.addresses.gateway.context("the gateway does not listen")?;
    writeln!(std::io::stdout(), "{address}")?;
    // A thread may wait for it: nothing else keeps the process here.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    running.stop().await;
    telemetry.end();
    Ok(())
}
