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
    let fresh = data.with_extension("initdb");
    let password_file = data.with_extension("password");
    files::write_private(&password_file, password)?;
    run_as.give(&password_file)?;
    let mut result = Ok(());
    for locale in locales(found.version.0) {
        if fresh.exists() {
            fs::remove_dir_all(&fresh)
                .map_err(Error::io(format!("remove the unfinished {}", fresh.display())))?;
        }
        files::private_dir(&fresh)?;
        run_as.give(&fresh)?;
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
        // A system without that locale says so; the next one is plainer.
        if result.is_ok() {
            break;
        }
    }
    fs::remove_file(&password_file).map_err(Error::io(format!("remove {}", password_file.display())))?;
    result?;
    fs::rename(&fresh, data).map_err(Error::io(format!(
        "rename {} to {}",
        fresh.display(),
        data.display()
    )))?;
    if durable {
        // The rename itself reaches the disk with its folder.
        let folder = data.parent().unwrap_or(data);
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io(format!("write {} to the disk", folder.display())))?;
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
