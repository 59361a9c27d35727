//! `foursight import`.

use anyhow::{Context, Result, ensure};
use foursight::{
    import::{Importer, Kind, Progress, Wanted},
    up::ready::Ready,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{print, tell};
use crate::cli::{BringIn, Import, ImportCommand, SignIn};

/// Brings data into a stack that runs, or takes it back.
pub(super) async fn run(arguments: &Import) -> Result<()> {
    match &arguments.command {
        ImportCommand::Customers(table) => bring_in(Kind::Customers, table).await,
        ImportCommand::Vehicles(table) => bring_in(Kind::Vehicles, table).await,
        ImportCommand::Deliveries(table) => bring_in(Kind::Deliveries, table).await,
        ImportCommand::Visits(table) => bring_in(Kind::Visits, table).await,
        ImportCommand::Points(table) => bring_in(Kind::Points, table).await,
        ImportCommand::Undo { run, sign_in } => {
            let mut importer = importer(sign_in).await?;
            let bar = bar()?;
            let (undone, kept) = importer.undo(run, &|progress| show(&bar, progress)).await?;
            bar.finish_and_clear();
            print(&format!("{undone} rows undone, {kept} kept"))?;
            if kept > 0 {
                tell("why rows were kept, the run's rows say: GET /v1/imports/…/rows");
            }
            Ok(())
        }
    }
}

async fn bring_in(kind: Kind, arguments: &BringIn) -> Result<()> {
    let mut importer = importer(&arguments.sign_in).await?;
    let pair = |said: &String| {
        let (header, field) =
            said.rsplit_once('=').with_context(|| format!("--map {said}: write header=field"))?;
        Ok((header.to_owned(), field.to_owned()))
    };
    let wanted = Wanted {
        store: arguments.store.clone(),
        dry_run: arguments.dry_run,
        mapping: arguments.map.iter().map(pair).collect::<Result<_>>()?,
    };
    let bar = bar()?;
    let report = importer.bring_in(kind, &arguments.file, &wanted, &|progress| show(&bar, progress)).await?;
    bar.finish_and_clear();
    if arguments.json {
        print(&report.to_json().to_string())?;
    } else {
        print(&format!(
            "{} rows: {} created, {} updated, {} unchanged, {} conflicts, {} errors ({})",
            report.rows(),
            report.created,
            report.updated,
            report.unchanged,
            report.conflicts,
            report.errors,
            report.run,
        ))?;
    }
    if !report.error_file.is_empty() {
        tell(&format!("the rows that were not taken, with the reasons: {}", report.error_file));
    }
    ensure!(report.failure.is_empty(), "{}", report.failure);
    Ok(())
}

async fn importer(sign_in: &SignIn) -> Result<Importer> {
    let ready = Ready::of_running(&sign_in.data).await?;
    let named = sign_in.login.as_deref().zip(sign_in.password.as_deref());
    Importer::sign_in(&ready, named).await
}

fn bar() -> Result<ProgressBar> {
    Ok(ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} {eta}")?))
}

fn show(bar: &ProgressBar, progress: Progress<'_>) {
    bar.set_message(progress.doing.to_owned());
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}
