//! `cargo bench`: how fast the product is beside the raw thing that it stands on, measured in the same run on the same
//! servers, so that the ratios mean something on any machine. What the figures should be stands in `tests/README.md`.
//!
//! ```console
//! $ cargo bench                                   # all of it, about five minutes
//! $ cargo bench -- --seconds 3 create relay       # some of it, and quickly
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a tool for a person at a terminal, whose figures are far from the limits of a float"
)]

mod create;
mod echo;
mod effect;
mod find;
mod http;
mod load;
mod memory;
mod pgbench;
mod read;
mod relay;
mod report;
mod stack;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use report::Report;
use stack::Stack;

/// What can be measured, in this order.
const PARTS: [&str; 5] = ["create", "read", "find", "relay", "effect"];

/// Measures the product beside the raw thing.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which parts: create, read, find, relay, effect; all when none is named.
    #[arg(value_parser = PARTS)]
    parts: Vec<String>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How many customers are there before the first is created.
    #[arg(long, default_value_t = 5_000)]
    customers: u32,
    /// Answers what it is asked, until it is killed: the raw thing of `read`.
    #[arg(long, hide = true)]
    echo: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new()?;
    let arguments = Arguments::parse();
    if arguments.echo { runtime.block_on(echo::serve()) } else { runtime.block_on(measure(&arguments)) }
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let wants =
        |part: &str| arguments.parts.is_empty() || arguments.parts.iter().any(|wanted| wanted == part);
    let time = Duration::from_secs(arguments.seconds.max(1));
    let mut report = Report::default();
    let stack = Stack::prepare(arguments.customers).await?;
    if ["create", "read", "find"].into_iter().any(wants) {
        let product = stack.start_product().await?;
        if wants("create") {
            create::measure(&stack, &product, time, &mut report).await?;
        }
        if wants("read") {
            read::measure(&product, time, &mut report).await?;
        }
        if wants("find") {
            find::measure(&product, arguments.customers, time, &mut report).await?;
        }
        product.stop().await?;
    }
    if wants("relay") {
        relay::measure(&stack, &mut report).await?;
    }
    if wants("effect") {
        effect::measure(&stack, time, &mut report).await?;
    }
    stack.stop().await?;
    report.print();
    Ok(())
}
