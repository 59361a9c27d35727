//! A role that keeps what it was given, batch by batch; and what tests tell it.

use std::sync::{Arc, Mutex};

use async_nats::{ConnectOptions, HeaderMap, ServerAddr, jetstream};
use async_trait::async_trait;
use foursight_kernel::{Clock, Error};
use foursight_messaging::{
    Bus, ConsumerSpec, HandleError, NewEvent, Projection, Received, Source, outbox::PastEvent,
    topology::Topology,
};
use foursight_runtime::{Role, RoleContext, RoleParts};
use foursight_testkit::Stack;
use prost::{Message, Name};
use sqlx::{PgConnection, migrate::Migrator};
use uuid::Uuid;

use crate::spans;

/// Events from this version on are refused for good.
pub(crate) const POISON: i64 = 1_000_000;

/// The probe's durable, on the stream of the customer service.
pub(crate) const DURABLE: &str = "probe_effects";

static MIGRATOR: Migrator = sqlx::migrate!("tests/consumers/effects");

/// Listens to what it is told to listen to when it starts.
#[derive(Clone, Default)]
pub(crate) struct Probe {
    sources: Arc<Mutex<Vec<Source>>>,
    batches: Arc<Mutex<Vec<Vec<Uuid>>>>,
}

impl Probe {
    pub(crate) fn new(sources: &[Source]) -> Self {
        spans::collect();
        let probe = Self::default();
        probe.listen_to(sources);
        probe
    }

    pub(crate) fn listen_to(&self, sources: &[Source]) {
        *self.sources.lock().unwrap() = sources.to_vec();
    }

    /// The batches that it was given so far.
    pub(crate) fn batches(&self) -> Vec<Vec<Uuid>> {
        self.batches.lock().unwrap().clone()
    }
}

#[async_trait]
impl Role for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, _: &RoleContext) -> anyhow::Result<RoleParts> {
        let sources = self.sources.lock().unwrap().clone();
        let consumer = ConsumerSpec::projection("effects", &sources, Arc::new(self.clone()));
        Ok(RoleParts { consumers: vec![consumer], ..RoleParts::default() })
    }
}

#[async_trait]
impl Projection for Probe {
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        self.batches.lock().unwrap().push(ids.clone());
        sqlx::query("INSERT INTO probe.effects (event_id) SELECT unnest($1::uuid[])")
            .bind(ids)
            .execute(tx)
            .await?;
        if events.iter().any(|event| event.version >= POISON) {
            return Err(HandleError::Permanent(Error::internal("poisoned")));
        }
        Ok(())
    }
}

/// Tells events in the customer service's name, whether the probe runs or not.
pub(crate) struct Teller {
    pub(crate) bus: Bus,
    pub(crate) nats: jetstream::Context,
    at: jiff::Timestamp,
}

impl Teller {
    pub(crate) async fn of(stack: &Stack) -> Self {
        let url = stack.servers.local.nats_url();
        let bus = Bus::connect(&url, "teller", Topology::new(&stack.database, 1)).await.unwrap();
        let address: ServerAddr = url.parse().unwrap();
        let user = address.username().unwrap().to_owned();
        let password = address.password().unwrap().to_owned();
        let nats = ConnectOptions::with_user_and_password(user, password).connect(address).await.unwrap();
        Self { bus, nats: jetstream::new(nats), at: stack.clock.now() }
    }

    pub(crate) async fn tell<M: Message + Name + Default>(&self, version: i64) -> Uuid {
        let id = fresh_id();
        self.tell_event(id, NewEvent::new(&M::default(), id, version, None)).await;
        id
    }

    pub(crate) async fn tell_event(&self, id: Uuid, event: NewEvent) {
        self.bus.tell("customer", PastEvent { id, at: self.at, event }).await.unwrap();
    }

    /// Puts what stands at a place of the stream behind its end once more. JetStream does not know it again.
    pub(crate) async fn repeat(&self, place: u64) {
        let stream = self.stream().await;
        let message = stream.get_raw_message(place).await.unwrap();
        let mut headers = HeaderMap::new();
        for (name, values) in message.headers.iter() {
            if !name.to_string().starts_with("Nats-") {
                for value in values {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        let published = self.nats.publish_with_headers(message.subject, headers, message.payload);
        published.await.unwrap().await.unwrap();
    }

    /// The customer service's stream.
    pub(crate) async fn stream(&self) -> jetstream::stream::Stream {
        self.nats.get_stream(self.bus.topology().stream("customer")).await.unwrap()
    }
}

fn fresh_id() -> Uuid {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(NEXT.fetch_add(1, Ordering::SeqCst).into())
}

/// What had its effect, in order of the ids; twice what had it twice.
pub(crate) async fn effects(stack: &Stack) -> Vec<Uuid> {
    let mut tx = stack.db("probe").begin_as_service().await.unwrap();
    let effects = sqlx::query_scalar("SELECT event_id FROM probe.effects ORDER BY event_id");
    effects.fetch_all(&mut *tx).await.unwrap()
}
