//! Roles that run for one test, on a database and subjects of its own.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use foursight_access::{Principal, Reach};
use foursight_kernel::{Ids, StoreId, TestClock};
use foursight_messaging::{Bus, NewEvent, Received, outbox::PastEvent};
use foursight_proto::identity::v1::Role as StaffRole;
use foursight_runtime::{Database, Peers, Role, Running, Settings, Start, telemetry::Telemetry};
use jiff::Timestamp;
use prost::{Message, Name};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    Caller, CallerChannel,
    callers::TestIssuer,
    servers::{Servers, shared_servers},
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Every test begins at this instant unless it says otherwise: a Wednesday, 10:00 in Shanghai.
const BEGINNING: &str = "2026-03-04T02:00:00Z";

/// Roles that run for one test.
pub struct Stack {
    /// The roles.
    pub running: Running,
    /// The clock of all of them.
    pub clock: Arc<TestClock>,
    /// Fresh ids, by that clock.
    pub ids: Ids,
    /// The servers below.
    pub servers: Arc<Servers>,
    /// What the roles were started with.
    pub settings: Arc<Settings>,
    /// The name of the test's database.
    pub database: String,
    roles: Vec<Arc<dyn Role>>,
    issuer: Arc<TestIssuer>,
    peers: Peers,
    /// Kept while the roles run.
    telemetry: Telemetry,
    own_identity: bool,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A stack that is about to start.
#[derive(Default)]
pub struct Builder {
    roles: Vec<Arc<dyn Role>>,
    settings: String,
    beginning: Option<Timestamp>,
    servers: Option<Arc<Servers>>,
    real_identity: bool,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Role) -> Self {
        self.roles.push(Arc::new(role));
        self
    }

    /// Adds roles.
    #[must_use]
    pub fn roles(mut self, roles: impl IntoIterator<Item = Arc<dyn Role>>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Settings that differ, as TOML.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings.push_str(toml);
        self.settings.push('\n');
        self
    }

    /// Where the clock stands first.
    #[must_use]
    pub fn beginning(mut self, at: Timestamp) -> Self {
        self.beginning = Some(at);
        self
    }

    /// Servers of one's own.
    #[must_use]
    pub fn servers(mut self, servers: Arc<Servers>) -> Self {
        self.servers = Some(servers);
        self
    }

    /// Tokens are identity's own, which must be among the roles; [`Stack::staff`] is of no use then.
    #[must_use]
    pub fn real_identity(mut self) -> Self {
        self.real_identity = true;
        self
    }

    /// Makes the database, and starts nothing: for roles that run in a process of their own, with the configuration (TOML)
    /// that this answers, and with identity's own tokens. The second text is the database's name.
    ///
    /// # Errors
    /// When a server cannot be started.
    pub async fn configuration(self) -> Result<(String, String)> {
        let servers = match self.servers {
            Some(servers) => servers,
            None => shared_servers().await?,
        };
        let database = servers.fresh_database(&self.roles).await?;
        Ok((overrides(&servers, &database, &self.roles, &self.settings)?, database))
    }

    /// Starts the roles.
    ///
    /// # Errors
    /// When a server or a role cannot be started.
    pub async fn start(self) -> Result<Stack> {
        let servers = match self.servers {
            Some(servers) => servers,
            None => shared_servers().await?,
        };
        let database = servers.fresh_database(&self.roles).await?;
        let overrides = overrides(&servers, &database, &self.roles, &self.settings)?;
        let settings = Arc::new(Settings::load(None, &overrides)?);
        let clock = TestClock::at(self.beginning.map_or_else(|| BEGINNING.parse(), Ok)?);
        let ids = Ids::new(clock.clone());
        let issuer = Arc::new(TestIssuer::new(clock.clone(), ids.clone())?);
        let telemetry = Telemetry::start(&settings.telemetry, "test")?;
        let start = Start {
            settings: settings.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            metrics: telemetry.metrics.clone(),
            keys: (!self.real_identity).then(|| issuer.keys()),
        };
        let running = start.run(&self.roles).await?;
        let first = self.roles.first().context("a stack needs a role")?.name();
        let peers = running.peers(first).context("the role does not run")?.clone();
        let own_identity = self.real_identity;
        Ok(Stack {
            running,
            clock,
            ids,
            servers,
            settings,
            database,
            roles: self.roles,
            issuer,
            peers,
            telemetry,
            own_identity,
        })
    }
}

impl Stack {
    /// A stack that is about to start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// One role, with everything else as it is by default.
    ///
    /// # Errors
    /// When a server or the role cannot be started.
    pub async fn start(role: impl Role) -> Result<Self> {
        Self::builder().role(role).start().await
    }

    /// Stops the roles in order, and starts them again on the same database and subjects.
    ///
    /// # Errors
    /// When a role cannot be started.
    pub async fn restart(self) -> Result<Self> {
        self.restart_after(async || Ok(())).await
    }

    /// The same, with something that happens while no role runs.
    ///
    /// # Errors
    /// When a role cannot be started, or what `meanwhile` answers.
    pub async fn restart_after(self, meanwhile: impl AsyncFnOnce() -> Result<()>) -> Result<Self> {
        let Self {
            running,
            clock,
            ids,
            servers,
            settings,
            database,
            roles,
            issuer,
            telemetry,
            own_identity,
            ..
        } = self;
        running.stop().await;
        meanwhile().await?;
        let start = Start {
            settings: settings.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            metrics: telemetry.metrics.clone(),
            keys: (!own_identity).then(|| issuer.keys()),
        };
        let running = start.run(&roles).await?;
        let first = roles.first().context("a stack needs a role")?.name();
        let peers = running.peers(first).context("the role does not run")?.clone();
        Ok(Self {
            running,
            clock,
            ids,
            servers,
            settings,
            database,
            roles,
            issuer,
            peers,
            telemetry,
            own_identity,
        })
    }

    /// Staff of stores.
    ///
    /// # Errors
    /// When a token cannot be signed.
    pub fn staff(&self, roles: &[StaffRole], stores: &[StoreId]) -> Result<Caller> {
        self.issuer.staff(roles, Some(stores))
    }

    /// Staff of headquarters.
    ///
    /// # Errors
    /// When a token cannot be signed.
    pub fn headquarters(&self, roles: &[StaffRole]) -> Result<Caller> {
        self.issuer.staff(roles, None)
    }

    /// One of the group's own services.
    ///
    /// # Errors
    /// When a token cannot be signed.
    pub fn service(&self, name: &str) -> Result<Caller> {
        self.issuer.service(name)
    }

    /// A channel to a role, on which every call is a caller's.
    pub fn channel(&self, role: &str, caller: &Caller) -> CallerChannel {
        caller.on(self.peers.channel(role))
    }

    /// A running role's database, under its own database role.
    ///
    /// # Panics
    /// When the role has none.
    #[expect(clippy::expect_used, reason = "a test may panic")]
    pub fn db(&self, role: &str) -> &Database {
        self.running.database(role).expect("the role has a database")
    }

    /// A caller for [`Database::begin`] that reaches so far.
    pub fn reaching(stores: &[StoreId]) -> Principal {
        let mut principal = Principal::service("test");
        principal.reach = Reach::Stores(stores.to_vec());
        principal
    }

    /// The test's database as its owner, whom no policy holds back: to look at what is really there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owner(&self) -> Result<PgPool> {
        let url = self.servers.local.postgres_url(&self.database);
        Ok(PgPoolOptions::new().max_connections(2).connect(&url).await?)
    }

    /// Tells an event in the name of a service that does not run in this test. Returns its id.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn tell<M: Message + Name>(
        &self,
        payload: &M,
        aggregate: uuid::Uuid,
        version: i64,
        store: Option<StoreId>,
    ) -> Result<uuid::Uuid> {
        let name = M::full_name();
        let service = foursight_messaging::topology::service_of(&name).context("not an event")?.to_owned();
        let id = self.ids.uuid();
        self.tell_as(id, &service, NewEvent::new(payload, aggregate, version, store)).await?;
        Ok(id)
    }

    /// Tells an event under an id of one's own, for instance a second time.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn tell_as(&self, id: uuid::Uuid, service: &str, event: NewEvent) -> Result<()> {
        use foursight_kernel::Clock;
        self.running.bus.tell(service, PastEvent { id, at: self.clock.now(), event }).await?;
        Ok(())
    }

    /// Waits until every event was published and dealt with.
    ///
    /// # Errors
    /// When that does not happen within a minute.
    pub async fn settled(&self) -> Result<()> {
        let begin = Instant::now();
        let mut before = Vec::new();
        loop {
            // First the outboxes, then the streams. If both are empty, and no effect has written an event by the next look,
            // then nothing is under way.
            let (told, untold) = self.outboxes().await?;
            let waiting = untold.saturating_add(self.backlog().await.unwrap_or(u64::MAX));
            if waiting == 0 && told == before {
                return Ok(());
            }
            before = if waiting == 0 { told } else { Vec::new() };
            ensure!(begin.elapsed() < PATIENCE, "{waiting} events were not dealt with in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many events each outbox has, and how many of all of them were not published.
    async fn outboxes(&self) -> Result<(Vec<i64>, u64)> {
        let (mut told, mut untold) = (Vec::new(), 0);
        for role in self.roles.iter().filter(|role| role.migrator().is_some()) {
            let mut tx = self.db(role.name()).begin_as_service().await?;
            let (all, waiting): (i64, i64) =
                sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE published_at IS NULL) FROM outbox")
                    .fetch_one(&mut *tx)
                    .await?;
            told.push(all);
            untold += waiting.unsigned_abs();
        }
        Ok((told, untold))
    }

    /// How many events the consumers have before them; at least one while a consumer is not there yet.
    async fn backlog(&self) -> Result<u64> {
        let bus = self.bus();
        Ok(if bus.has_consumers(&self.running.consumers).await? { bus.backlog().await? } else { 1 })
    }

    /// The events of one type that a service has told, once all is settled.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn told<M: Message + Name + Default>(&self) -> Result<Vec<M>> {
        self.settled().await?;
        let name = M::full_name();
        let service = foursight_messaging::topology::service_of(&name).context("not an event")?.to_owned();
        let events = self.bus().history(&service).await?;
        events
            .iter()
            .filter_map(|event: &Received| event.decode::<M>().transpose())
            .map(|event| Ok(event?))
            .collect()
    }

    /// The event stream.
    pub fn bus(&self) -> &Bus {
        &self.running.bus
    }
}

/// What differs from the defaults on test servers.
fn overrides(servers: &Servers, database: &str, roles: &[Arc<dyn Role>], own: &str) -> Result<String> {
    let mut text = String::new();
    let ours = ["identity", "customer", "notification", "complaint", "analytics", "gateway"];
    let others = roles.iter().map(|role| role.name()).filter(|name| !ours.contains(name));
    for service in ours.into_iter().chain(others) {
        writeln!(text, "[services.{service}]\nsecret = 'secret of {service}'")?;
        writeln!(text, "database_url = '{}'", servers.role_url(service, database))?;
    }
    writeln!(text, "[nats]\nurl = '{}'\nprefix = '{database}'", servers.local.nats_url())?;
    writeln!(text, "[redis]\nurl = '{}'", servers.local.redis_url())?;
    writeln!(text, "[listen]\ngateway = '127.0.0.1:0'\ngrpc = '127.0.0.1:0'\nmetrics = '127.0.0.1:0'")?;
    writeln!(text, "[keys]\nmaster = '1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE='")?;
    writeln!(text, "hash = 'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI='")?;
    writeln!(text, "[telemetry]\nlog_format = 'text'\nlog_filter = 'error'")?;
    text.push_str(own);
    Ok(text)
}
