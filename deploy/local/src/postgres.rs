//! Postgres: where everything that must not be lost is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::error::{Error, Result};
use crate::find::{Finder, Found, Kind, blocking};
use crate::identity::{self, Recorded};
use crate::server::{Places, Service};
use crate::stack::Options;
use crate::unprivileged::RunAs;
use crate::{files, orphans, postgres_init};

/// How to run it and how to talk to it.
pub(crate) struct Postgres {
    program: PathBuf,
    run_as: RunAs,
    data: PathBuf,
    pub(crate) bin_dir: PathBuf,
    pub(crate) socket_dir: PathBuf,
    port: u16,
}

impl Postgres {
    pub(crate) async fn prepare(
        finder: &Finder,
        places: &Places,
        options: &Options,
        port: u16,
        password: &str,
    ) -> Result<Self> {
        let found = choose(finder, places, options.durable).await?;
        let bin_dir = found.program.parent().unwrap_or(Path::new("/")).to_owned();
        let run_as = blocking(RunAs::choose).await??;
        run_as.can_reach(&places.root, &bin_dir)?;

        let data = places.postgres_data(found.version.0);
        if data.join("PG_VERSION").exists() {
            run_as.give(&data)?;
        } else {
            (options.progress)("making the database");
            postgres_init::init(&found, &run_as, &data, password, options.durable).await?;
        }
        let socket_dir = socket_dir(&places.root, &run_as)?;
        let postgres = Self { program: found.program, run_as, data, bin_dir, socket_dir, port };
        postgres.stop_unrecorded().await;
        postgres.configure(options.durable)?;
        Ok(postgres)
    }

    /// A launcher killed between starting Postgres and recording it leaves a server that only its own file names.
    async fn stop_unrecorded(&self) {
        if let Some(orphan) = self.postmaster_pid().and_then(Recorded::of)
            && self.is_ours(orphan.pid)
        {
            orphans::end::<Self>(&orphan).await;
        }
    }

    fn postmaster_pid(&self) -> Option<i32> {
        fs::read_to_string(self.data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    fn is_ours(&self, pid: i32) -> bool {
        identity::command_line(pid)
            .is_some_and(|line| line.trim_end().ends_with(&format!(" -D {}", self.data.display())))
    }

    fn configure(&self, durable: bool) -> Result<()> {
        let durability = if durable {
            "wal_level = replica\nmin_wal_size = 80MB\n\
             # Details of an error may hold what a customer has told us.\nlog_error_verbosity = terse\n"
        } else {
            "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nwal_level = minimal\n\
             max_wal_senders = 0\ncheckpoint_timeout = 30min\n"
        };
        let settings = format!(
            "# Written at every start.\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = {}\n\
             unix_socket_permissions = 0700\nmax_connections = 200\nshared_buffers = 256MB\nhuge_pages = off\n\
             max_wal_size = 1GB\nmax_locks_per_transaction = 256\npassword_encryption = scram-sha-256\njit = off\n\
             timezone = 'UTC'\nlog_timezone = 'UTC'\nlog_min_messages = warning\nlog_checkpoints = off\nlogging_collector = off\n\
             log_line_prefix = '%m [%p] %q%u@%d '\ndynamic_shared_memory_type = posix\n{durability}",
            self.port,
            quoted(&self.socket_dir),
        );
        // Scram costs an unoptimised client a good part of a second of every connection; nobody listens in on a test.
        let method = if durable { "scram-sha-256" } else { "password" };
        let access = format!(
            "# Written at every start.\nlocal all all {method}\nlocal replication all {method}\n\
             host all all 127.0.0.1/32 {method}\nhost replication all 127.0.0.1/32 {method}\n"
        );
        for (name, text) in [("postgresql.conf", settings.as_str()), ("pg_hba.conf", access.as_str())] {
            let path = self.data.join(name);
            files::write_private(&path, text)?;
            self.run_as.give(&path)?;
        }
        Ok(())
    }

    fn socket(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Begins a connection and goes no further than the server's wish for a password, which it utters only when it
    /// takes connections. By the socket, because that folder is ours alone while a port may be anybody's; Postgres
    /// makes the socket after it has its port.
    async fn ask(&self) -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(self.socket()).await?;
        let parameters = b"user\0postgres\0database\0postgres\0\0";
        let protocol: i32 = 3 << 16;
        stream.write_i32(i32::try_from(8 + parameters.len()).unwrap_or(i32::MAX)).await?;
        stream.write_i32(protocol).await?;
        stream.write_all(parameters).await?;
        Ok(stream.read_u8().await? == b'R')
    }
}

impl Drop for Postgres {
    /// A socket's folder in /tmp would stay for ever. One with a living server's socket in it is not empty.
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.socket_dir) {
            tracing::debug!(%error, "the socket's folder stays");
        }
    }
}

impl Service for Postgres {
    const NAME: &'static str = "postgres";
    // Fast shutdown, then immediate shutdown.
    const FAREWELL: &'static [(Signal, Duration)] =
        &[(Signal::SIGINT, Duration::from_secs(20)), (Signal::SIGQUIT, Duration::from_secs(5))];
    const READY_WITHIN: Duration = Duration::from_mins(2);

    fn command(&self) -> Command {
        let mut command = self.run_as.command(&self.program);
        command.arg("-D").arg(&self.data);
        // Would take precedence over the configuration.
        for variable in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD"] {
            command.env_remove(variable);
        }
        command
    }

    /// Postgres does not start while its file names a living process, whoever that is after a restart of the machine.
    fn before_start(&self) -> Result<()> {
        if self.postmaster_pid().is_some_and(|pid| !self.is_ours(pid)) {
            remove_if_there(&self.data.join("postmaster.pid"))?;
        }
        let socket = self.socket();
        remove_if_there(&socket.with_file_name(format!(".s.PGSQL.{}.lock", self.port)))?;
        remove_if_there(&socket)
    }

    async fn answers(&self) -> bool {
        self.ask().await.unwrap_or(false)
    }
}

/// The server that the folder's data were made by; for a new folder the preferred one.
async fn choose(finder: &Finder, places: &Places, durable: bool) -> Result<Found> {
    let found = finder.all_on_machine(Kind::Postgres).await?;
    let majors = places.postgres_majors();
    if let Some(fits) = found.iter().find(|found| majors.contains(&found.version.0)) {
        return Ok(fits.clone());
    }
    match (majors.first(), found.into_iter().next()) {
        (None, Some(preferred)) => Ok(preferred),
        (None, None) => finder.pinned(Kind::Postgres).await,
        (Some(newest), preferred) => {
            let pinned = finder.pinned(Kind::Postgres).await?;
            if majors.contains(&pinned.version.0) {
                return Ok(pinned);
            }
            // Starting empty beside data that must survive would look like their loss.
            if durable {
                return Err(Error::PostgresVersion { folder: places.root.clone(), major: *newest });
            }
            Ok(preferred.unwrap_or(pinned))
        }
    }
}

/// In the data folder when its name is short enough for a socket's address (104 bytes on macOS, 108 on Linux), else in
/// /tmp.
fn socket_dir(root: &Path, run_as: &RunAs) -> Result<PathBuf> {
    let inside = root.join("run").join("pg");
    let longest = inside.join(".s.PGSQL.65535.lock");
    // A closed folder on the way stops another user.
    let reachable = !matches!(run_as, RunAs::Nobody { .. });
    let folder = if reachable && longest.as_os_str().len() < 100 {
        files::private_dir(&inside)?;
        inside
    } else {
        let name = files::short_name(root.as_os_str().as_encoded_bytes());
        let folder = PathBuf::from("/tmp").join(format!("foursight-{name}"));
        files::private_dir_in_shared(&folder, &run_as.owners())?;
        folder
    };
    run_as.give(&folder)?;
    Ok(folder)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// As a setting's value in Postgres' configuration.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{RunAs, quoted, socket_dir};

    #[test]
    fn a_long_data_folder_has_its_socket_elsewhere() -> anyhow::Result<()> {
        let root = std::env::temp_dir().join("x".repeat(90));
        let folder = socket_dir(&root, &RunAs::Ourselves)?;
        assert!(folder.as_os_str().len() < 40, "{}", folder.display());
        assert_eq!(folder, socket_dir(&root, &RunAs::Ourselves)?);
        std::fs::remove_dir(&folder)?;
        Ok(())
    }

    #[test]
    fn paths_are_quoted_for_the_configuration() {
        assert_eq!(quoted(Path::new("/a 'b'\\c")), "'/a ''b''\\\\c'");
    }
}
