//! The three servers as one thing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::Flock;
use percent_encoding::NON_ALPHANUMERIC;
use tokio::sync::Mutex;

use crate::credentials::Credentials;
use crate::error::{Error, Result};
use crate::find::Finder;
use crate::logs::Keeper;
use crate::nats::{self, Nats, NatsSync};
use crate::ports::{self, Lease, Ports};
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::server::{Places, Server};
use crate::{files, lock, orphans, supervise};

/// Told what is going on, one short lowercase sentence each time; for a progress line on a terminal.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// How to start a [`Stack`].
#[derive(Clone)]
pub struct Options {
    /// Where the servers keep everything. Made when missing; one launcher at a time.
    pub data_dir: PathBuf,
    /// Which ports to use; free ones, reserved against other stacks, when `None`.
    pub ports: Option<Ports>,
    /// `false` for tests: Postgres does not wait for the disk, Redis keeps nothing over a restart.
    pub durable: bool,
    /// How often NATS writes its streams through to the disk.
    pub nats_sync: NatsSync,
    /// Ports that the caller will listen on besides, each with whose it is: one that is taken is told before a server starts.
    pub other_ports: Vec<(&'static str, u16)>,
    /// How often in a row [`Stack::supervise`] starts a server again that ended by itself.
    pub restarts: usize,
    /// Told about slow steps, and about servers that ended by themselves.
    pub progress: Progress,
}

impl Options {
    /// For data that must survive: durable, free ports, silent.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            ports: None,
            durable: true,
            nats_sync: NatsSync::default(),
            other_ports: Vec::new(),
            restarts: supervise::RESTARTS,
            progress: Arc::new(|_| {}),
        }
    }

    /// For tests: quick instead of durable, free ports, silent.
    pub fn for_tests(data_dir: impl Into<PathBuf>) -> Self {
        Self { durable: false, ..Self::new(data_dir) }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .field("ports", &self.ports)
            .field("durable", &self.durable)
            .field("nats_sync", &self.nats_sync)
            .field("other_ports", &self.other_ports)
            .field("restarts", &self.restarts)
            .finish_non_exhaustive()
    }
}

/// Running private servers. They end with [`Stack::stop`], or as well as can be when the value is dropped.
///
/// Not tied to the tokio runtime that started it: tests with a runtime each may share one.
/// All methods take `&self`; those that touch one server wait for each other.
pub struct Stack {
    // Dropped in this order: Redis, NATS, Postgres, and the folder's lock only after all of them.
    redis: Mutex<Server<Redis>>,
    nats: Mutex<Server<Nats>>,
    postgres: Mutex<Server<Postgres>>,
    _log_keeper: Keeper,
    ports: Ports,
    credentials: Credentials,
    data_dir: PathBuf,
    nats_data_dir: PathBuf,
    socket_dir: PathBuf,
    postgres_bin_dir: PathBuf,
    restarts: usize,
    progress: Progress,
    _lease: Option<Lease>,
    _lock: Flock<File>,
}

impl Stack {
    /// Starts the three servers in parallel and returns when all of them answer.
    ///
    /// What a killed launcher left behind in this folder is stopped first. Servers that the machine lacks are
    /// installed for the user on the first call, which takes some seconds and the network.
    ///
    /// # Errors
    /// When another launcher holds the folder, a server cannot be found or fetched, or one does not come up; nothing
    /// is left running then. Every message names the remedy.
    pub async fn start(options: Options) -> Result<Self> {
        files::private_dir(&options.data_dir)?;
        let data_dir = fs::canonicalize(&options.data_dir)
            .map_err(Error::io(format!("open the folder {}", options.data_dir.display())))?;
        let lock = lock::data_folder(&data_dir)?;
        files::sweep_unfinished(&data_dir);
        let places = Places::prepare(&data_dir)?;
        orphans::stop(&places, &options.progress).await?;

        let lease = if options.ports.is_none() { Some(Lease::take()?) } else { None };
        let Some(ports) = options.ports.or(lease.as_ref().map(|lease| lease.ports)) else {
            return Err(Error::NoPorts { from: 0, to: 0 });
        };
        ports::must_be_free(&[&options.other_ports[..], &ports.named()].concat())?;
        let credentials = Credentials::open(&data_dir, !places.postgres_majors().is_empty())?;
        let finder = Finder::new(options.progress.clone());

        let (postgres, nats, redis) = tokio::try_join!(
            async {
                let server =
                    Postgres::prepare(&finder, &places, &options, ports.postgres, &credentials.postgres)
                        .await?;
                Server::start_new(server, &places).await
            },
            async {
                let server =
                    Nats::prepare(&finder, &places, options.nats_sync, &ports, &credentials.nats).await?;
                Server::start_new(server, &places).await
            },
            async {
                let server =
                    Redis::prepare(&finder, &places, options.durable, ports.redis, &credentials.redis)
                        .await?;
                Server::start_new(server, &places).await
            },
        )?;

        Ok(Self {
            socket_dir: postgres.service.socket_dir.clone(),
            postgres_bin_dir: postgres.service.bin_dir.clone(),
            nats_data_dir: nats.service.data_dir.clone(),
            redis: Mutex::new(redis),
            nats: Mutex::new(nats),
            postgres: Mutex::new(postgres),
            _log_keeper: Keeper::watch(places.log_files()),
            ports,
            credentials,
            data_dir,
            restarts: options.restarts,
            progress: options.progress,
            _lease: lease,
            _lock: lock,
        })
    }

    /// Stops all servers in order: Redis, NATS, Postgres. Each has its time to end by itself, then it is made to.
    ///
    /// # Errors
    /// When a server cannot be ended even by force.
    pub async fn stop(self) -> Result<()> {
        let redis = self.redis.lock().await.stop().await;
        let nats = self.nats.lock().await.stop().await;
        let postgres = self.postgres.lock().await.stop().await;
        redis.and(nats).and(postgres)
    }

    /// Looks after the servers for as long as it is awaited: one that ends without having been stopped here is started again at
    /// the same port and on the same data, after pauses that grow. [`Options::progress`] is told which one ended, how, and what
    /// comes of it. Comes back with the reason when one does not stay up; the others run on then.
    ///
    /// Dropped at any moment, it leaves nothing behind that [`Stack::stop`] would not stop.
    pub async fn supervise(&self) -> Error {
        let (times, progress) = (self.restarts, &self.progress);
        let given_up = tokio::try_join!(
            supervise::watch(&self.postgres, times, progress),
            supervise::watch(&self.nats, times, progress),
            supervise::watch(&self.redis, times, progress),
        );
        match given_up {
            Err(error) => error,
            Ok((never, ..)) => match never {},
        }
    }

    /// The superuser's URL of one database, over TCP.
    pub fn postgres_url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{database}",
            self.credentials.postgres, self.ports.postgres
        )
    }

    /// The superuser's URL of one database, over the socket.
    pub fn postgres_socket_url(&self, database: &str) -> String {
        self.socket_url("postgres", &self.credentials.postgres, database)
    }

    /// A role's URL of one database, over the socket: on one machine that costs a good third less than TCP.
    pub fn socket_url(&self, user: &str, password: &str, database: &str) -> String {
        let folder = self.socket_dir.as_os_str().as_encoded_bytes();
        let folder = percent_encoding::percent_encode(folder, NON_ALPHANUMERIC);
        format!("postgres://{user}:{password}@{folder}:{}/{database}", self.ports.postgres)
    }

    /// The URL of NATS, with user and password.
    ///
    /// The client library `async-nats` does not read the user out of a URL: give it [`Stack::nats_credentials`], or
    /// what the configuration has taken from this URL, by `ConnectOptions::user_and_password`.
    pub fn nats_url(&self) -> String {
        format!("nats://{}:{}@127.0.0.1:{}", nats::USER, self.credentials.nats, self.ports.nats)
    }

    /// User and password of NATS, the same as in [`Stack::nats_url`].
    pub fn nats_credentials(&self) -> (&str, &str) {
        (nats::USER, &self.credentials.nats)
    }

    /// The URL of Valkey or Redis, with the password.
    pub fn redis_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.credentials.redis, self.ports.redis)
    }

    /// The ports that the servers listen on.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The data folder, as an absolute path.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Where NATS keeps its streams. Copy or restore it only while NATS is stopped.
    pub fn nats_data_dir(&self) -> PathBuf {
        self.nats_data_dir.clone()
    }

    /// Where Postgres' Unix socket is; for a `host=` parameter. The same password applies.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Where `pg_dump`, `psql` and their kin of the running server's version are, as far as the machine has them.
    pub fn postgres_bin_dir(&self) -> &Path {
        &self.postgres_bin_dir
    }

    /// Kills NATS without a chance to write anything (`SIGKILL`).
    pub async fn kill_nats(&self) -> Result<()> {
        self.nats.lock().await.kill()
    }

    /// Stops NATS in good order.
    pub async fn stop_nats(&self) -> Result<()> {
        self.nats.lock().await.stop().await
    }

    /// Starts NATS again on the same port and data; does nothing when it runs.
    pub async fn start_nats(&self) -> Result<()> {
        self.nats.lock().await.start().await
    }

    /// Kills Postgres and its backends without a chance to write anything (`SIGKILL`).
    pub async fn kill_postgres(&self) -> Result<()> {
        self.postgres.lock().await.kill()
    }

    /// Stops Postgres in good order; open connections are closed.
    pub async fn stop_postgres(&self) -> Result<()> {
        self.postgres.lock().await.stop().await
    }

    /// Starts Postgres again on the same port and data; does nothing when it runs.
    pub async fn start_postgres(&self) -> Result<()> {
        self.postgres.lock().await.start().await
    }

    /// Stops Postgres in good order and starts it again.
    pub async fn restart_postgres(&self) -> Result<()> {
        let mut postgres = self.postgres.lock().await;
        postgres.stop().await?;
        postgres.start().await
    }

    /// Kills Redis without a chance to write anything (`SIGKILL`).
    pub async fn kill_redis(&self) -> Result<()> {
        self.redis.lock().await.kill()
    }

    /// Stops Redis in good order.
    pub async fn stop_redis(&self) -> Result<()> {
        self.redis.lock().await.stop().await
    }

    /// Starts Redis again on the same port; does nothing when it runs.
    pub async fn start_redis(&self) -> Result<()> {
        self.redis.lock().await.start().await
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("data_dir", &self.data_dir)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
