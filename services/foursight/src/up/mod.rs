//! A whole private stack in a data folder: servers, schemas, the demo group, every role.

pub mod layout;
mod prepare;
pub mod ready;
mod secrets;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use foursight_kernel::SystemClock;
use foursight_local::Stack;
use foursight_runtime::{Running, Start, telemetry::Telemetry};
use sqlx::{Connection, PgConnection};

use crate::{
    demo::{self, DemoTarget},
    roles,
};
use layout::Layout;
pub use prepare::Prepared;
use ready::Ready;
pub use secrets::{add_master_key, drop_master_key};

/// The database of a private stack.
const DATABASE: &str = "foursight";

/// What is said of a data folder that this build cannot use, with the way out.
const OTHER_BUILD: &str = "of another build, or damaged: run that build, choose another folder with `--data`, or start over \
    with `--fresh`, which forgets what is there";

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
        let prepared = self.prepare().await?;
        match self.start_on(&prepared).await {
            Ok((ready, running, telemetry)) => {
                let Prepared { layout, servers, .. } = prepared;
                Ok(Up { ready, layout, running, servers, telemetry })
            }
            Err(error) => {
                prepared.servers.stop().await?;
                Err(error)
            }
        }
    }

    async fn start_on(&self, prepared: &Prepared) -> Result<(Ready, Running, Telemetry)> {
        let Prepared { layout, servers, settings } = prepared;
        let telemetry = Telemetry::start(&settings.telemetry, "up")?;
        if self.customers > 0 {
            let target = DemoTarget { settings: settings.clone(), clock: Arc::new(SystemClock) };
            (self.progress)("loading the demo group, or what is missing of it");
            let report = demo::load(&target, self.customers, self.seed, &self.loaded).await?;
            if report.written > 0 {
                gather_statistics(&servers.postgres_url(DATABASE)).await?;
            }
        }

        (self.progress)("starting the roles");
        let start = Start::new(settings.clone(), telemetry.metrics.clone());
        let running = start.run(&roles::all()).await?;
        let ready = Ready::of(servers, &running, DATABASE, self.customers > 0)?;
        wait_until_ready(&ready).await?;
        layout::write_private(&layout.ready(), &serde_json::to_string(&ready)?)?;
        Ok((ready, running, telemetry))
    }
}

/// Tells Postgres at once what the tables are like now. It would find out by itself within a minute, and until then plan for empty
/// ones, while the consumers hear years of events.
async fn gather_statistics(owner_url: &str) -> Result<()> {
    let mut owner = PgConnection::connect(owner_url).await?;
    sqlx::raw_sql("ANALYZE").execute(&mut owner).await?;
    Ok(owner.close().await?)
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

    /// Looks after the servers for as long as it is awaited: one that ends by itself is started again, and [`Plan::progress`] is
    /// told so. Comes back with the reason when one does not stay up; the stack is to be stopped then.
    pub async fn watch(&self) -> anyhow::Error {
        self.servers.supervise().await.into()
    }

    /// The roles.
    pub fn running(&self) -> &Running {
        &self.running
    }
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
