//! `foursight demo`.

use std::sync::Arc;

use anyhow::Result;
use foursight::demo::{self, DemoTarget};
use foursight_kernel::SystemClock;
use indicatif::{ProgressBar, ProgressStyle};

use super::{print, tell};
use crate::cli::Demo;

/// Loads a demo group into an empty database.
pub(super) async fn run(arguments: &Demo) -> Result<()> {
    let target =
        DemoTarget { settings: Arc::new(arguments.config.settings()?), clock: Arc::new(SystemClock) };
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len}")?);
    bar.set_message("customers");
    let began = std::time::Instant::now();
    let report = demo::load(&target, arguments.customers, arguments.seed, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await?;
    bar.finish_and_clear();
    tell(&format!("loaded in {:.1} s", began.elapsed().as_secs_f64()));
    print(&report.to_string())
}
