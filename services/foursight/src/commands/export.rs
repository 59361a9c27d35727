//! `foursight export`.

use anyhow::Result;
use foursight::{
    export::{Exporter, Wanted},
    up::ready::Ready,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::cli::{Export, ExportCommand, Format, TakeOut};

/// Takes data out of a stack that runs.
pub(super) async fn run(arguments: &Export) -> Result<()> {
    let ExportCommand::Customers(customers) = &arguments.command;
    take_out(customers).await
}

async fn take_out(arguments: &TakeOut) -> Result<()> {
    let sign_in = &arguments.sign_in;
    let ready = Ready::of_running(&sign_in.data).await?;
    let named = sign_in.login.as_deref().zip(sign_in.password.as_deref());
    let exporter = Exporter::sign_in(&ready, named).await?;
    let wanted = Wanted {
        segment: arguments.segment.clone(),
        xlsx: arguments.format == Format::Xlsx,
        english: arguments.english,
        purpose: arguments.purpose.clone(),
        unmasked: arguments.unmasked.clone(),
    };
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {bytes} {bytes_per_sec} {elapsed}")?);
    let bytes = exporter.customers(&arguments.out, &wanted, &|bytes| bar.set_position(bytes)).await?;
    bar.finish_and_clear();
    print(&format!("{}: {bytes} bytes", arguments.out.display()))
}
