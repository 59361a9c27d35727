//! The life of one server process: start until it answers, stop in good order, kill, start again.

use std::fs;
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::identity::{self, Recorded};
use crate::{files, logs};

/// What makes a server that server. The rest of its life is the same for all.
pub(crate) trait Service {
    /// Its name in messages and file names.
    const NAME: &'static str;
    /// How it is asked to end: each signal with the time it gets before the next; then it is killed.
    const FAREWELL: &'static [(Signal, Duration)];
    /// How long it may take to answer after its start, recovery included.
    const READY_WITHIN: Duration;

    /// How to run it in the foreground.
    fn command(&self) -> Command;

    /// Clears what a predecessor that was killed has left and that would stop a new one.
    fn before_start(&self) -> Result<()>;

    /// Whether it answers by its own protocol, as itself and not as some other server on the port.
    fn answers(&self) -> impl Future<Output = bool> + Send;
}

/// Where things are in a data folder.
pub(crate) struct Places {
    pub(crate) root: PathBuf,
}

impl Places {
    pub(crate) fn prepare(root: &Path) -> Result<Self> {
        files::private_dir(&root.join("run"))?;
        files::private_dir(&root.join("logs"))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn run_file(&self, name: &str) -> PathBuf {
        self.root.join("run").join(name)
    }

    pub(crate) fn record<S: Service>(&self) -> PathBuf {
        self.run_file(&format!("{}.pid", S::NAME))
    }

    pub(crate) fn log<S: Service>(&self) -> PathBuf {
        self.root.join("logs").join(format!("{}.log", S::NAME))
    }

    pub(crate) fn log_files(&self) -> Vec<PathBuf> {
        vec![
            self.log::<crate::postgres::Postgres>(),
            self.log::<crate::nats::Nats>(),
            self.log::<crate::redis::Redis>(),
        ]
    }

    /// The folder of Postgres' data. Named by the major version: the next start may find a newer server.
    pub(crate) fn postgres_data(&self, major: u32) -> PathBuf {
        self.root.join(format!("postgres-{major}"))
    }

    /// The major versions of Postgres that have data here, newest first.
    pub(crate) fn postgres_majors(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut majors: Vec<u32> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("postgres-")?.parse().ok())
            .collect();
        majors.sort_unstable_by(|a, b| b.cmp(a));
        majors
    }
}

/// One server, running or not.
pub(crate) struct Server<S: Service> {
    pub(crate) service: S,
    child: Option<Child>,
    /// Whether it is meant to run: it was started, and nobody has stopped it since.
    wanted: bool,
    /// How its last process ended.
    ended: Option<ExitStatus>,
    record: PathBuf,
    pub(crate) log: PathBuf,
}

impl<S: Service> Server<S> {
    /// Starts it for the first time and waits until it answers.
    pub(crate) async fn start_new(service: S, places: &Places) -> Result<Self> {
        let (record, log) = (places.record::<S>(), places.log::<S>());
        let mut server = Self { service, child: None, wanted: false, ended: None, record, log };
        server.start().await?;
        Ok(server)
    }

    /// Starts it and waits until it answers; does nothing when it runs.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.wanted = true;
        if self.is_running() {
            return Ok(());
        }
        self.service.before_start()?;
        let began = Instant::now();
        let log = logs::open(&self.log)?;
        let offset = log.metadata().map_or(0, |meta| meta.len());
        self.spawn(log)?;
        let mut pause = Duration::from_millis(5);
        loop {
            // A server that is stopped or still recovering may accept a connection and stay silent.
            if tokio::time::timeout(Duration::from_secs(2), self.service.answers()).await == Ok(true) {
                tracing::debug!(server = S::NAME, took = ?began.elapsed(), "server answers");
                return Ok(());
            }
            if !self.is_running() {
                let tail = logs::tail_since(&self.log, offset);
                return Err(Error::Ended { server: S::NAME, log: self.log.clone(), tail });
            }
            if began.elapsed() > S::READY_WITHIN {
                self.end()?;
                return Err(Error::TooSlow {
                    what: format!("the start of {}", S::NAME),
                    bound: S::READY_WITHIN,
                    remedy: format!("see its log {}", self.log.display()),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Asks it to end, with growing insistence, and returns when it has.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.wanted = false;
        for (signal, patience) in S::FAREWELL {
            let Some(pid) = self.pid() else { return Ok(()) };
            identity::signal(pid, *signal);
            let deadline = Instant::now() + *patience;
            while self.is_running() && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        self.end()
    }

    /// Kills it at once; does nothing when it does not run.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.wanted = false;
        self.end()
    }

    /// How it ended, when nobody has stopped it.
    pub(crate) fn ended_by_itself(&mut self) -> Option<String> {
        if !self.wanted || self.is_running() {
            return None;
        }
        Some(self.ended.map_or_else(|| "status unknown".to_owned(), |status| status.to_string()))
    }

    fn end(&mut self) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        identity::kill_tree(pid);
        if let Some(mut child) = self.child.take() {
            child.wait().map_err(Error::io(format!("wait for the end of {}", S::NAME)))?;
        }
        self.forget();
        Ok(())
    }

    fn spawn(&mut self, log: fs::File) -> Result<()> {
        let errors = log.try_clone().map_err(Error::io(format!("open the log {}", self.log.display())))?;
        let mut command = self.service.command();
        // In a group of its own, so that Ctrl-C on the launcher's terminal reaches the launcher only, which then
        // stops its servers in order.
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().map_err(Error::io(format!("run {command:?}")))?;
        let recorded = i32::try_from(child.id()).ok().and_then(Recorded::of);
        self.child = Some(child);
        // No record: it has ended already, and the caller will notice.
        recorded.map_or(Ok(()), |recorded| recorded.write(&self.record))
    }

    fn is_running(&mut self) -> bool {
        self.pid().is_some()
    }

    /// Its process, as long as it runs; reaps it when it has ended.
    fn pid(&mut self) -> Option<i32> {
        let child = self.child.as_mut()?;
        match child.try_wait() {
            Ok(None) => return i32::try_from(child.id()).ok(),
            Ok(status) => self.ended = status,
            Err(error) => tracing::debug!(server = S::NAME, %error, "nobody knows how it ended"),
        }
        self.child = None;
        self.forget();
        None
    }

    fn forget(&self) {
        // A record that stays is harmless: it names a process that is no more.
        if let Err(error) = fs::remove_file(&self.record) {
            tracing::debug!(server = S::NAME, %error, "no record to remove");
        }
    }
}

impl<S: Service> Drop for Server<S> {
    /// The launcher forgot to stop it, or failed. It gets a moment, because killing Postgres costs a recovery.
    fn drop(&mut self) {
        let Some(pid) = self.pid() else { return };
        if let Some((signal, _)) = S::FAREWELL.first() {
            identity::signal(pid, *signal);
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.is_running() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(pid) = self.pid() {
            identity::kill_tree(pid);
            let ended = self.child.take().map(|mut child| child.wait());
            tracing::debug!(server = S::NAME, ?ended, "server killed");
            self.forget();
        }
    }
}
