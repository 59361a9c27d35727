//! A whole private stack in a data folder: servers, schemas, the demo group, every role.

pub mod layout;
pub mod ready;
mod secrets;

use std::{fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use foursight_kernel::{Ids, SystemClock};
use foursight_local::{Options, Ports, Stack};
use foursight_runtime::{Running, Settings, Start, migrate, telemetry::Telemetry};
use secrecy::SecretString;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};

use crate::{
    demo::{self, DemoTarget},
    roles,
};
use layout::Layout;
use ready::Ready;
use secrets::Secrets;

/// The database of a private stack.
const DATABASE: &str = "foursight";

/// How long the roles may take until they answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be started.
pub struct Plan {
    /// Where everything is kept.
    pub data: PathBuf,
    /// The first of seven ports in a row: gateway, gRPC, metrics, Postgres, NATS, its monitor, Redis.
    pub port_base: Option<u16>,
    /// Forgets what is there.
    pub fresh: bool,
    /// Customers of the demo group; 0 for no group.
    pub customers: u32,
    /// The demo group's seed.
    pub seed: u64,
    /// Told what is being done.
    pub progress: Arc<dyn Fn(&str) + Send + Sync>,
    /// Told how much of the demo group is loaded.
    pub loaded: Box<dyn Fn(u64, u64) + Send + Sync>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("data", &self.data).finish_non_exhaustive()
    }
}

/// A private stack that runs.
pub struct Up {
    /// Where it answers, and who may sign in.
    pub ready: Ready,
    layout: Layout,
    running: Running,
    servers: Stack,
    telemetry: Telemetry,
}

impl std::fmt::Debug for Up {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Up").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl Plan {
    /// Starts everything, and comes back when everything answers.
    ///
    /// # Errors
    /// When something is missing or taken; the message says what to do.
    pub async fn start(self) -> Result<Up> {
        let layout = Layout::new(&self.data);
        if self.fresh && layout.exists() {
            (self.progress)("forgetting what is there");
            // Started once more, so that nobody else is at work in the folder and no orphan is left.
            self.servers(&layout).await?.stop().await?;
            layout.remove()?;
        }
        layout.create()?;
        let servers = self.servers(&layout).await?;
        match self.start_on(&layout, &servers).await {
            Ok((ready, running, telemetry)) => Ok(Up { ready, layout, running, servers, telemetry }),
            Err(error) => {
                servers.stop().await?;
                Err(error)
            }
        }
    }

    async fn servers(&self, layout: &Layout) -> Result<Stack> {
        let ports = self.port_base.map(|base| Ports::from_base(base.saturating_add(3)));
        let mut options = Options::new(layout.servers());
        options.ports = ports;
        options.progress = self.progress.clone();
        Ok(Stack::start(options).await?)
    }

    async fn start_on(&self, layout: &Layout, servers: &Stack) -> Result<(Ready, Running, Telemetry)> {
        let roles = roles::all();
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let secrets = Secrets::load_or_make(&layout.secrets(), &names)?;
        create_database(servers).await?;
        (self.progress)("bringing the database up to date");
        migrate_all(servers, &secrets).await?;

        let configuration = configuration(servers, &secrets, layout, self.port_base)?;
        layout::write_private(&layout.configuration(), &configuration)?;
        let settings = Arc::new(Settings::load(Some(&layout.configuration()), "")?);
        let telemetry = Telemetry::start(&settings.telemetry, "up")?;

        let clock = Arc::new(SystemClock);
        if self.customers > 0 {
            let target = DemoTarget { settings: settings.clone(), clock: clock.clone() };
            (self.progress)("loading the demo group, once");
            demo::load(&target, self.customers, self.seed, &self.loaded).await?;
        }

        (self.progress)("starting the roles");
        let ids = Ids::new(clock.clone());
        let start = Start { settings, clock, ids, metrics: telemetry.metrics.clone(), keys: None };
        let running = start.run(&roles).await?;
        let ready = Ready::of(servers, &running, DATABASE, self.customers > 0)?;
        wait_until_ready(&ready).await?;
        layout::write_private(&layout.ready(), &serde_json::to_string(&ready)?)?;
        Ok((ready, running, telemetry))
    }
}

impl Up {
    /// Stops everything in order. Nothing is lost: what was under way is in the data folder.
    ///
    /// # Errors
    /// When a server does not stop.
    pub async fn stop(self) -> Result<()> {
        // Nobody finds the stack any more.
        let _ = std::fs::remove_file(self.layout.ready());
        self.running.stop().await;
        self.telemetry.end();
        self.servers.stop().await?;
        Ok(())
    }

    /// The roles.
    pub fn running(&self) -> &Running {
        &self.running
    }
}

async fn create_database(servers: &Stack) -> Result<()> {
    let options: PgConnectOptions = servers.postgres_url("postgres").parse()?;
    let mut connection = options.connect().await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        sqlx::raw_sql("CREATE DATABASE foursight").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn migrate_all(servers: &Stack, secrets: &Secrets) -> Result<()> {
    let roles = roles::all();
    let mut schemas = Vec::new();
    for role in &roles {
        if let Some(migrator) = role.migrator() {
            let password = SecretString::from(secrets.of(role.name())?.database_password.clone());
            schemas.push(migrate::Schema { service: role.name(), migrator, password });
        }
    }
    migrate::migrate(&servers.postgres_url(DATABASE), &schemas).await
}

/// What differs from the defaults in a private stack; the commands that work on its folder read it, too.
fn configuration(
    servers: &Stack,
    secrets: &Secrets,
    layout: &Layout,
    port_base: Option<u16>,
) -> Result<String> {
    let port = |offset: u16| port_base.map_or(0, |base| base.saturating_add(offset));
    let mut text = String::new();
    writeln!(text, "# Written at every start by `foursight up`.")?;
    writeln!(text, "[database]\nadmin_url = \"{}\"", servers.postgres_url(DATABASE))?;
    for role in roles::all() {
        let name = role.name();
        let own = secrets.of(name)?;
        writeln!(text, "[services.{name}]\nsecret = \"{}\"", own.secret)?;
        if role.migrator().is_some() {
            let (user, password, port) =
                (migrate::role_of(name), &own.database_password, servers.ports().postgres);
            writeln!(text, "database_url = \"postgres://{user}:{password}@127.0.0.1:{port}/{DATABASE}\"")?;
        }
    }
    writeln!(text, "[nats]\nurl = \"{}\"", servers.nats_url())?;
    writeln!(text, "[redis]\nurl = \"{}\"", servers.redis_url())?;
    writeln!(text, "[keys]\nmaster = \"{}\"\nhash = \"{}\"", secrets.master_keys, secrets.hash_key)?;
    writeln!(
        text,
        "[listen]\ngateway = \"127.0.0.1:{}\"\ngrpc = \"127.0.0.1:{}\"\nmetrics = \"127.0.0.1:{}\"",
        port(0),
        port(1),
        port(2)
    )?;
    writeln!(text, "[telemetry]\nlog_file = {:?}", layout.log().display().to_string())?;
    Ok(text)
}

/// Ready is what answers: every part's database, the event stream, and the door.
async fn wait_until_ready(ready: &Ready) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let begin = std::time::Instant::now();
    loop {
        let mut answers = true;
        for address in [format!("{}/readyz", ready.metrics), format!("{}/healthz", ready.gateway)] {
            let answer = client.get(address).send().await;
            answers &= answer.is_ok_and(|answer| answer.status().is_success());
        }
        if answers {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "the roles do not answer; the log in the data folder says why");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An address with a port, as clients write it.
fn http(address: Option<std::net::SocketAddr>) -> Result<String> {
    Ok(format!("http://{}", address.context("a listener is missing")?))
}
