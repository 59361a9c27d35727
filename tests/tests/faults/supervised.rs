//! Servers of `foursight up` that end by themselves.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use foursight::{story::Story, up::layout::Layout};
use foursight_testkit::Farewell;
use foursight_tests::{fresh_folder, up, world::until};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_of_its_servers_a_private_stack_goes_on() -> Result<()> {
    let data = fresh_folder();
    let servers = Layout::new(&data).servers();
    let _farewell = Farewell::watch(&data, &servers)?;
    let up = up(data, 20).await?;
    let told = async {
        // Each telling goes from a walk-in to measures that have moved: events take effect all along.
        kill(&servers, "nats")?;
        Story::new(&up.ready, Box::new(|_| {}))?.play().await.context("after the event stream was killed")?;

        for server in ["redis", "postgres"] {
            let ended = kill(&servers, server)?;
            until(&format!("{server} runs again"), async || {
                Ok(pid(&servers, server).is_ok_and(|pid| pid != ended))
            })
            .await?;
        }
        let ready = format!("{}/readyz", up.ready.metrics);
        until("the roles are ready", async || Ok(reqwest::get(&ready).await?.status().is_success())).await?;
        Story::new(&up.ready, Box::new(|_| {}))?.play().await.context("after the others were killed")
    };
    tokio::select! {
        outcome = told => drop(outcome?),
        error = up.watch() => return Err(error),
    }
    up.stop().await
}

/// `kill -9`; answers which process it was.
fn kill(servers: &Path, server: &str) -> Result<i64> {
    let pid = pid(servers, server)?;
    ensure!(
        Command::new("kill").args(["-9", &pid.to_string()]).status()?.success(),
        "{server} is gone already"
    );
    Ok(pid)
}

/// The process that runs a server, as the launcher has recorded it.
fn pid(servers: &Path, server: &str) -> Result<i64> {
    let record = std::fs::read_to_string(servers.join("run").join(format!("{server}.pid")))?;
    let record: serde_json::Value = serde_json::from_str(&record)?;
    record["pid"].as_i64().context("no pid")
}
