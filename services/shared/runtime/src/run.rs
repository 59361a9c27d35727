//! Running roles: every port is bound first, then all is built, then it starts; the stop goes the other way round.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use foursight_access::{AccessLayer, KeySource, Verifier};
use foursight_kernel::{Ids, SharedClock, SystemClock};
use foursight_messaging::{
    Bus,
    consumer::Consumer,
    relay::Relay,
    topology::{PUBLISHERS, Topology},
};
use secrecy::ExposeSecret;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    Database, Peers, Readiness, Role, RoleContext, RoleParts, Settings, Worker, edge, health,
    peers::{self, Directory, PeerKeys, PeerService},
    telemetry::Metrics,
};

mod anchoring;
mod bodies;
mod bound;
mod connections;
mod housekeeping;

pub use bodies::SlowBody;
use bound::Bound;
use connections::Doorkeeper;

/// How long requests in hand may take after the stop began.
const DRAIN: Duration = Duration::from_secs(10);

/// After which time the next worker of a role begins.
const BETWEEN_WORKERS: Duration = Duration::from_millis(100);

/// What is needed to start.
#[derive(Clone)]
pub struct Start {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: SharedClock,
    /// Fresh ids.
    pub ids: Ids,
    /// The process' metrics.
    pub metrics: Metrics,
    /// Where the keys that verify tokens come from; identity when absent.
    pub keys: Option<Arc<dyn KeySource>>,
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Where the process answers.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Clients, all forms; `None` when the gateway does not run here.
    pub gateway: Option<SocketAddr>,
    /// Clients, gRPC.
    pub grpc: Option<SocketAddr>,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub metrics: Option<SocketAddr>,
}

/// Roles that run.
#[derive(Debug)]
pub struct Running {
    /// Where the process answers.
    pub addresses: Addresses,
    /// The event stream, for those who watch the backlog.
    pub bus: Bus,
    /// The consumers that run here: the service whose stream each listens to, and its name there.
    pub consumers: Vec<(String, String)>,
    doorkeeper: Doorkeeper,
    peers: Vec<(&'static str, Peers)>,
    /// Keeps the roles that run here callable.
    _directory: Arc<Directory>,
    databases: Vec<(&'static str, Database)>,
    workers: Vec<(&'static str, Worker)>,
    /// No new events and rounds.
    working: CancellationToken,
    /// No more publishing.
    relaying: CancellationToken,
    workings: TaskTracker,
    relays: TaskTracker,
}

impl Start {
    /// As the product starts: by the system's clock, and with identity's keys.
    pub fn new(settings: Arc<Settings>, metrics: Metrics) -> Self {
        let clock = Arc::new(SystemClock);
        Self { settings, clock: clock.clone(), ids: Ids::new(clock), metrics, keys: None }
    }

    /// Starts roles in this process.
    ///
    /// # Errors
    /// When a port is taken or the configuration lacks something; nothing runs then. Servers that are away are no error:
    /// the roles start, answer UNAVAILABLE, and go on when they come.
    pub async fn run(self, roles: &[Arc<dyn Role>]) -> Result<Running> {
        let mut bound = Bound::bind(&self.settings, roles).await?;
        let directory = peers::directory(&self.settings, &PUBLISHERS)?;
        let topology = Topology::new(self.settings.nats.prefix.clone(), self.settings.nats.replicas);
        let bus = Bus::connect(self.settings.nats.url.expose_secret(), "foursight", topology).await?;

        let mut running = Running {
            addresses: bound.addresses.clone(),
            bus: bus.clone(),
            consumers: Vec::new(),
            doorkeeper: Doorkeeper::new(&self.settings.limits),
            peers: Vec::new(),
            _directory: directory.clone(),
            databases: Vec::new(),
            workers: Vec::new(),
            working: CancellationToken::new(),
            relaying: CancellationToken::new(),
            workings: TaskTracker::new(),
            relays: TaskTracker::new(),
        };
        let readiness = Readiness::default();
        let mut built = Vec::new();
        for role in roles {
            let (context, parts) = self.build(role.as_ref(), &directory, &readiness).await?;
            built.push((role.clone(), context, parts));
        }

        let mut checks =
            health::Checks { pools: Vec::new(), bus: bus.clone(), metrics: self.metrics.clone() };
        for (role, context, parts) in built {
            let name = role.name();
            if role.migrator().is_some() {
                checks.pools.push((name, context.db.pool().clone()));
            }
            self.start_role(role.as_ref(), &context, parts, &mut bound, &directory, &mut running)?;
        }
        readiness.begin(checks.clone());
        running.doorkeeper.open(bound.take(bound::METRICS)?, health::router(checks));
        Ok(running)
    }

    async fn build(
        &self,
        role: &dyn Role,
        directory: &Arc<Directory>,
        readiness: &Readiness,
    ) -> Result<(RoleContext, RoleParts)> {
        let name = role.name();
        let service = self.settings.service(name);
        let url = match (&service.database_url, role.migrator()) {
            (Some(url), _) => url.expose_secret().to_owned(),
            (None, None) => "postgres://none@127.0.0.1:1/none".to_owned(),
            (None, Some(_)) => anyhow::bail!("services.{name}.database_url is not set"),
        };
        let peers = Peers::new(directory, name, service.secret, self.clock.clone());
        let keys = self.keys.clone().unwrap_or_else(|| Arc::new(PeerKeys(peers.clone())));
        let context = RoleContext {
            db: Database::connect(&url, name, &self.settings.database)?,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            verifier: Verifier::new(keys, self.clock.clone()),
            peers,
            settings: self.settings.clone(),
            readiness: readiness.clone(),
            meter: self.metrics.meter(),
        };
        let parts = role.build(&context).await.with_context(|| format!("the role {name} cannot be built"))?;
        Ok((context, parts))
    }

    fn start_role(
        &self,
        role: &dyn Role,
        context: &RoleContext,
        mut parts: RoleParts,
        bound: &mut Bound,
        directory: &Directory,
        running: &mut Running,
    ) -> Result<()> {
        let name = role.name();
        let access = AccessLayer::new(context.verifier.clone());
        let service = edge::wrap(name, parts.routes, &access, &self.settings, &self.metrics.meter());
        running.peers.push((name, context.peers.clone()));
        if let Ok(listener) = bound.take(name) {
            running.doorkeeper.open(listener, grpc_router(service.clone()));
        }
        if let Some(place) = directory.get(name) {
            // A role that runs here is called here, wherever the configuration says that others run.
            let _ = place.set(service);
        }
        if let Some(router) = parts.http {
            running.doorkeeper.open(bound.take(bound::GATEWAY)?, router.clone());
            running.doorkeeper.open(bound.take(bound::GRPC)?, router);
        }
        if role.migrator().is_none() {
            return Ok(());
        }
        running.databases.push((name, context.db.clone()));
        if PUBLISHERS.contains(&name) {
            let relay = Relay {
                service: name,
                pool: context.db.pool().clone(),
                bus: running.bus.clone(),
                clock: self.clock.clone(),
                wake: context.db.wake().clone(),
            };
            running.relays.spawn(relay.run(running.relaying.clone()));
        }
        for spec in parts.consumers {
            let consumer = Consumer {
                service: name,
                spec,
                pool: context.db.pool().clone(),
                bus: running.bus.clone(),
                wake: context.db.wake().clone(),
            };
            running.consumers.extend(consumer.places());
            running.workings.spawn(consumer.run(running.working.clone()));
        }
        parts.workers.extend(housekeeping::workers(name, context, running.bus.clone()));
        let mut after = Duration::ZERO;
        for worker in parts.workers {
            running.workers.push((name, worker.clone()));
            running.workings.spawn(worker.run(name, context.db.clone(), after, running.working.clone()));
            after += BETWEEN_WORKERS;
        }
        Ok(())
    }
}

impl Running {
    /// Stops in order: no new requests, those in hand are answered; no new events, the batch in hand is finished; what is
    /// in the outboxes goes out; then the connections close. What does not end in time is safe all the same: it is in an
    /// outbox or was not acknowledged.
    pub async fn stop(self) {
        drain("requests", self.doorkeeper.close()).await;
        self.working.cancel();
        drain("events and rounds", &self.workings).await;
        self.relaying.cancel();
        drain("outboxes", &self.relays).await;
        for (_, database) in &self.databases {
            database.pool().close();
        }
    }

    /// A running role's way to its peers, with its own token.
    pub fn peers(&self, role: &str) -> Option<&Peers> {
        self.peers.iter().find(|(name, _)| *name == role).map(|(_, peers)| peers)
    }

    /// A running role's database.
    pub fn database(&self, role: &str) -> Option<&Database> {
        self.databases.iter().find(|(name, _)| *name == role).map(|(_, database)| database)
    }

    /// One round of a role's worker, now.
    ///
    /// # Errors
    /// When there is no such worker, or what its round answers.
    pub async fn round(&self, role: &str, worker: &str) -> Result<bool> {
        let found = self.workers.iter().find(|(name, candidate)| *name == role && candidate.name == worker);
        let (name, found) = found.with_context(|| format!("{role} has no worker {worker}"))?;
        let database = self.database(name).with_context(|| format!("{role} has no database"))?;
        Ok(found.round(name, database).await?)
    }
}

async fn drain(what: &str, tasks: &TaskTracker) {
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(what, "not everything ended in time");
    }
}

/// A role's gRPC services on a listener of its own, for peers in other processes.
fn grpc_router(service: PeerService) -> axum::Router {
    axum::Router::new().fallback(move |request: http::Request<axum::body::Body>| {
        let service = service.clone();
        async move {
            let answer = service.oneshot(request.map(tonic::body::Body::new)).await;
            answer
                .unwrap_or_else(|error| {
                    tracing::error!(%error, "a call failed outside its handler");
                    tonic::Status::internal("something went wrong here").into_http()
                })
                .map(axum::body::Body::new)
        }
    })
}
