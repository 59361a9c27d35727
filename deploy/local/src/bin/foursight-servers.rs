//! Runs private servers while somebody builds: `foursight-servers run --data DIR`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use foursight_local::{Options, Ports, Stack, doctor};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: foursight-servers run --data DIR [--port-base N] [--quick]
       foursight-servers doctor

run starts Postgres, NATS and Redis, prints their addresses as one line of JSON, and stops them at Ctrl-C.
  --data DIR      where they keep everything
  --port-base N   Postgres at N, NATS at N+1, its monitoring at N+2, Redis at N+3; free ports without it
  --quick         for tests: do not wait for the disk
doctor tells what this machine has and what it lacks.";

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("run") => run(parse(arguments)?).await,
        Some("doctor") => report(),
        _ => bail!("{USAGE}"),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut data = None;
    let mut ports = None;
    let mut durable = true;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} lacks its value\n{USAGE}"));
        match argument.as_str() {
            "--data" => data = Some(PathBuf::from(value()?)),
            "--port-base" => {
                let base = value()?.parse().context("the port base is no port")?;
                ports = Some(Ports::from_base(base));
            }
            "--quick" => durable = false,
            _ => bail!("unknown argument {argument}\n{USAGE}"),
        }
    }
    let data = data.with_context(|| format!("--data is missing\n{USAGE}"))?;
    let progress = Arc::new(|step: &str| {
        // A closed terminal is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{step}");
    });
    Ok(Options { ports, durable, progress, ..Options::new(data) })
}

async fn run(options: Options) -> Result<()> {
    // Before the servers start, so that an early signal stops them too.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut ended = std::pin::pin!(async move {
        tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
    });
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = &mut ended => return Ok(()),
    };
    let line = serde_json::json!({
        "postgres": stack.postgres_url("postgres"),
        "nats": stack.nats_url(),
        "redis": stack.redis_url(),
        "socket_dir": stack.socket_dir(),
    });
    // The servers run even when nobody reads where.
    let _ = writeln!(std::io::stdout(), "{line}");
    let given_up = tokio::select! {
        () = &mut ended => Ok(()),
        error = stack.supervise() => Err(error.into()),
    };
    stack.stop().await?;
    given_up
}

fn report() -> Result<()> {
    let findings = doctor();
    for finding in &findings {
        let mark = if finding.ok { "ok     " } else { "missing" };
        writeln!(std::io::stdout(), "{mark} {:<9} {}", finding.what, finding.detail)?;
        if let Some(remedy) = &finding.remedy {
            writeln!(std::io::stdout(), "                  {remedy}")?;
        }
    }
    if findings.iter().all(|finding| finding.ok) {
        Ok(())
    } else {
        bail!("a stack cannot start on this machine yet")
    }
}
