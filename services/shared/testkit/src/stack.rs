//! Roles that run for one test, on a database and subjects of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use foursight_access::{Principal, Reach};
use foursight_kernel::{Ids, StoreId, TestClock};
use foursight_messaging::{Bus, NewEvent, Received, outbox::PastEvent};
use foursight_proto::identity::v1::Role as StaffRole;
use foursight_runtime::{Database, Peers, Role, Running, Settings, Start, telemetry::Telemetry};
use prost::{Message, Name};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{Builder, Caller, CallerChannel, callers::TestIssuer, servers::Servers};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

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
    pub(crate) roles: Vec<Arc<dyn Role>>,
    pub(crate) issuer: TestIssuer,
    pub(crate) peers: Peers,
    /// With which the roles start again.
    pub(crate) start: Start,
    /// Kept while the roles run.
    pub(crate) _telemetry: Telemetry,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("database", &self.database).finish_non_exhaustive()
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
        self.running.stop().await;
        // It speaks to the roles that were, and would keep their connections.
        drop(self.peers);
        meanwhile().await?;
        let (running, peers) = run(self.start.clone(), &self.roles).await?;
        Ok(Self { running, peers, ..self })
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

/// Starts roles; the peers are those of the first of them.
pub(crate) async fn run(start: Start, roles: &[Arc<dyn Role>]) -> Result<(Running, Peers)> {
    let running = start.run(roles).await?;
    let first = roles.first().context("a stack needs a role")?.name();
    let peers = running.peers(first).context("the role does not run")?.clone();
    Ok((running, peers))
}
