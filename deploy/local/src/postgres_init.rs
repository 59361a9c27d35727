//! Makes the data of a new Postgres.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::find::Found;
use crate::unprivileged::RunAs;
use crate::{files, process};

const BOUND: Duration = Duration::from_mins(2);

/// Runs `initdb` beside `data` and renames the result, so that a launcher killed meanwhile leaves no half of it.
pub(crate) async fn init(
    found: &Found,
    run_as: &RunAs,
    data: &Path,
    password: &str,
    durable: bool,
) -> Result<()> {
    let parent = data.parent().unwrap_or(data);
    let workshop = files::unfinished(parent, 0o700)?;
    let password_file = workshop.join("password");
    files::write_private(&password_file, password)?;
    run_as.give(&workshop)?;

    let fresh = workshop.join("data");
    let mut result = Ok(());
    for locale in locales(found.version.0) {
        let mut command = run_as.command(&found.program.with_file_name("initdb"));
        command
            .args(["--username=postgres", "--encoding=UTF8", "--auth=scram-sha-256", "--no-instructions"])
            .args(locale)
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&fresh);
        if !durable {
            command.arg("--no-sync");
        }
        result = process::run(command, "initdb", BOUND, "free the machine of other work and try again").await;
        // A system without that locale says so, and initdb clears up after itself; the next locale is plainer.
        if result.is_ok() {
            break;
        }
    }
    result?;
    let what = format!("rename {} to {}", fresh.display(), data.display());
    fs::rename(&fresh, data).map_err(Error::io(what))?;
    fs::remove_dir_all(&workshop).map_err(Error::io(format!("remove {}", workshop.display())))?;
    if durable {
        // The rename itself reaches the disk with its folder.
        fs::File::open(parent)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io(format!("write {} to the disk", parent.display())))?;
    }
    Ok(())
}

/// Sorting by code point and knowing every letter (else trigram search finds no Chinese name), best first.
///
/// From 17 on Postgres brings C.UTF-8 itself; extensions still ask the system what a letter is, hence both.
/// macOS has no C.UTF-8 but always `en_US.UTF-8`.
fn locales(major: u32) -> Vec<Vec<&'static str>> {
    let system = [vec!["--locale=C.UTF-8"], vec!["--locale=C", "--lc-ctype=en_US.UTF-8"], vec!["--locale=C"]];
    if major < 17 {
        return system.into();
    }
    let builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    system.into_iter().map(|system| [&builtin[..], &system].concat()).collect()
}
