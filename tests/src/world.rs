//! One whole stack for all tests of a binary: started by the first test that needs it, with the story already told in it,
//! and ended with the process.

use std::{
    path::PathBuf,
    sync::LazyLock,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use foursight::{
    story::{Outcome, Story},
    up::{Up, layout::Layout},
};
use foursight_runtime::Settings;
use foursight_testkit::Farewell;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{
    runtime::Runtime,
    sync::{Mutex, OnceCell},
};

use crate::{api::Api, fresh_folder, names::Names, up};

/// The services that have a schema.
pub const SERVICES: [&str; 5] = ["identity", "customer", "notification", "complaint", "analytics"];

/// Customers of the demo group: enough for each of the larger stores to have some with everything.
const CUSTOMERS: u32 = 120;

/// How long events may take until they all have had their effects.
const PATIENCE: Duration = Duration::from_mins(2);

/// A stack, and what a test does with it.
pub struct World {
    /// The stack.
    pub up: Up,
    /// Its gateway, as clients use it.
    pub api: Api,
    /// What the story has made.
    pub story: Outcome,
    /// A thing of each kind, all of the story's customer and store.
    pub names: Names,
    /// Where it keeps everything.
    pub data: PathBuf,
    _farewell: Farewell,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("data", &self.data).finish_non_exhaustive()
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "without a runtime there is no test")]
    Runtime::new().expect("a runtime can be started")
});
static WORLD: OnceCell<World> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs a test on the binary's stack. One test at a time has it, so that nobody counts what another one writes.
///
/// # Errors
/// What the test answers, or that the stack does not start.
pub fn on_stack(test: impl AsyncFnOnce(&'static World) -> Result<()>) -> Result<()> {
    RUNTIME.block_on(async {
        let _turn = TURN.lock().await;
        test(WORLD.get_or_try_init(World::start).await?).await
    })
}

impl World {
    async fn start() -> Result<Self> {
        let data = fresh_folder();
        let farewell = Farewell::watch(&data, &Layout::new(&data).servers())?;
        Self::start_in(data, farewell).await
    }

    async fn start_in(data: PathBuf, farewell: Farewell) -> Result<Self> {
        let up = up(data.clone(), CUSTOMERS).await?;
        let story = Story::new(&up.ready, Box::new(|_| {}))?.play().await.context("the story")?;
        let api = Api::new(&up.ready)?;
        let mut owner = connect(&up.ready.postgres).await?;
        settle(&up, &mut owner).await?;
        let names = Names::of_story(&mut owner, &api, &story).await.context("what the story has made")?;
        // Customers are ranked now, and not while a test counts what was written.
        while !up.running().round("customer", "value-tiers").await? {}
        settle(&up, &mut owner).await?;
        Ok(Self { up, api, story, names, data, _farewell: farewell })
    }

    /// The database as its owner, whom row-level security does not bind.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn owner(&self) -> Result<PgConnection> {
        connect(&self.up.ready.postgres).await
    }

    /// The database as a service's own role, as the service connects.
    ///
    /// # Errors
    /// When it does not answer, or the configuration names no such service.
    pub async fn service(&self, service: &str) -> Result<PgConnection> {
        use secrecy::ExposeSecret;
        let url = self.settings()?.service(service).database_url.context("the service has no database")?;
        let mut connection = connect(url.expose_secret()).await?;
        run(&mut connection, &format!("SET search_path = {service}, public")).await?;
        Ok(connection)
    }

    /// The stack's configuration.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn settings(&self) -> Result<Settings> {
        Settings::load(Some(&Layout::new(&self.data).configuration()), "")
    }

    /// What the roles have logged so far.
    ///
    /// # Errors
    /// When there is no log.
    pub fn log(&self) -> Result<String> {
        let file = Layout::new(&self.data).log();
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
    }

    /// Waits until every event was told and has had its effects.
    ///
    /// # Errors
    /// When that does not happen in time.
    pub async fn settled(&self) -> Result<()> {
        settle(&self.up, &mut self.owner().await?).await
    }
}

async fn settle(up: &Up, owner: &mut PgConnection) -> Result<()> {
    let untold: Vec<String> = SERVICES
        .iter()
        .map(|service| format!("(SELECT count(*) FROM {service}.outbox WHERE published_at IS NULL)"))
        .collect();
    let untold = format!("SELECT ({})::bigint", untold.join(" + "));
    let mut quiet = 0;
    until("every event has had its effects", async || {
        let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(untold.clone())).fetch_one(&mut *owner).await?;
        let idle = waiting == 0 && up.running().bus.backlog().await? == 0;
        // An effect may tell something in turn: nothing is under way when nothing was twice in a row.
        quiet = if idle { quiet + 1 } else { 0 };
        Ok(quiet == 2)
    })
    .await
}

/// Asks again until something has happened.
///
/// # Errors
/// When it does not happen within two minutes, or the question fails.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !happened().await.with_context(|| what.to_owned())? {
        ensure!(began.elapsed() < PATIENCE, "{what}: that did not happen within {} s", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection> {
    Ok(PgConnection::connect(url).await?)
}

/// Runs a statement that a test has put together.
///
/// # Errors
/// What the database answers.
pub async fn run(connection: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await?;
    Ok(())
}
