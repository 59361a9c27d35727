//! `foursight up`.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use foursight::up::{Plan, ready::Ready};
use indicatif::{ProgressBar, ProgressStyle};

use super::{print, run::stop_signal, tell};
use crate::cli::Up;

/// Starts a private stack, and stops it in order when asked.
pub(super) async fn run(up: Up) -> Result<()> {
    ensure!(
        up.port_base.is_none_or(|base| base > 0 && base <= u16::MAX - 7),
        "--port-base must be from 1 to 65528"
    );
    let began = std::time::Instant::now();
    let bar =
        ProgressBar::new(0).with_style(ProgressStyle::with_template("  {msg} [{wide_bar}] {pos}/{len}")?);
    bar.set_message("customers");
    let plan = Plan {
        data: up.data.clone(),
        port_base: up.port_base,
        fresh: up.fresh,
        customers: up.customers,
        seed: up.seed,
        progress: Arc::new(|what| tell(&format!("· {what}"))),
        loaded: Box::new({
            let bar = bar.clone();
            move |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            }
        }),
    };
    let started = tokio::select! {
        started = plan.start() => started?,
        outcome = stop_signal() => return outcome,
    };
    bar.finish_and_clear();
    if up.ready_json {
        print(&serde_json::to_string(&started.ready)?)?;
    }
    welcome(&started.ready, &up, began.elapsed());

    let outcome = tokio::select! {
        outcome = stop_signal() => outcome,
        // A server does not stay up.
        error = started.watch() => Err(error),
    };
    tell("stopping; nothing is lost");
    tokio::select! {
        stopped = started.stop() => outcome.and(stopped),
        // A second time: at once. What was under way is in the data folder.
        _ = stop_signal() => outcome,
    }
}

fn welcome(ready: &Ready, up: &Up, took: Duration) {
    tell(&format!("\nFoursight is ready ({:.1} s).\n", took.as_secs_f64()));
    tell(&format!("  API       {0}        try it: {0}/docs", ready.gateway));
    tell(&format!("  gRPC      {}", ready.grpc));
    tell(&format!("  metrics   {}/metrics", ready.metrics));
    tell(&format!("  data      {}\n", up.data.display()));
    if let Some(user) = ready.users.first() {
        tell("  sign-ins (all of them: ready.json in the data folder):");
        for user in ready.users.iter().take(6) {
            tell(&format!("    {:<24} {:<22} password {}", user.login, user.role, user.password));
        }
        tell(&format!(
            "\n  curl -s {}/v1/tokens -H 'content-type: application/json' \\\n       -d '{{\"password\":{{\"login\":\"{}\",\"password\":\"{}\"}}}}'",
            ready.gateway, user.login, user.password
        ));
        // As it was called: it may not be on the path.
        let program = std::env::args().next().unwrap_or_else(|| "foursight".to_owned());
        tell(&format!(
            "\n  One customer's story, step by step:  {program} story --data {}",
            up.data.display()
        ));
    }
    tell("\n  Ctrl-C stops everything.");
}
