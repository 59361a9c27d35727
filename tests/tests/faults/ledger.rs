//! The reckoning: what was acknowledged, what was told, and what came of it, each held against the others.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use foursight_kernel::StoreId;
use foursight_messaging::{Bus, Received, dead_letters, topology::PUBLISHERS};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::{sale::Sold, world::PATIENCE};

/// What every row of must be true; the text says what is wrong with those that a query counts. `$1` are the poisoned events.
const AGREEMENTS: [(&str, &str); 4] = [
    (
        "events of customers have not their one entry on the timeline",
        "SELECT count(*) FROM customer.outbox o
         WHERE o.event_type IN ('foursight.customer.events.v1.CustomerCreated', 'foursight.customer.events.v1.LeadCreated',
                                'foursight.customer.events.v1.VehicleDelivered')
           AND NOT o.id = ANY ($1)
           AND 1 <> (SELECT count(*) FROM customer.timeline_entries t WHERE t.event_id = o.id)",
    ),
    (
        "entries on timelines are of no event",
        "SELECT count(*) FROM customer.timeline_entries t
         WHERE t.event_id <> ALL ($1) AND NOT EXISTS (
             SELECT FROM customer.outbox o WHERE o.id = t.event_id
             UNION ALL SELECT FROM notification.outbox o WHERE o.id = t.event_id
             UNION ALL SELECT FROM complaint.outbox o WHERE o.id = t.event_id)",
    ),
    (
        "deliveries are not counted once by the measures",
        "SELECT count(*) FROM customer.deliveries d
         WHERE $1::uuid[] IS NOT NULL
           AND 1 <> (SELECT count(*) FROM analytics.deliveries a WHERE a.delivery_id = d.id)",
    ),
    (
        "open calls were not told once",
        "SELECT count(*) FROM notification.call_tasks c
         WHERE $1::uuid[] IS NOT NULL AND c.state = 1 AND 1 <> (SELECT count(*) FROM notification.outbox o
             WHERE o.aggregate = c.id AND o.event_type = 'foursight.notification.events.v1.CallTaskPlanned')",
    ),
];

/// Looks at everything after the fact.
pub(crate) struct Ledger {
    /// The database as its owner, whom no policy holds back.
    pub(crate) owner: PgPool,
    pub(crate) bus: Bus,
    /// A connection of our own, for what the bus does not tell.
    pub(crate) nats: jetstream::Context,
}

impl Ledger {
    pub(crate) async fn open(postgres: &str, nats: &str, bus: Bus) -> Result<Self> {
        let owner = PgPoolOptions::new().max_connections(2).connect(postgres).await?;
        let address: ServerAddr = nats.parse()?;
        let user = address.username().context("a user")?.to_owned();
        let password = address.password().context("a password")?.to_owned();
        let nats = ConnectOptions::with_user_and_password(user, password).connect(address).await?;
        Ok(Self { owner, bus, nats: jetstream::new(nats) })
    }

    /// Waits until all is told and dealt with, where we know the consumers only from the outside.
    pub(crate) async fn settled(&self) -> Result<()> {
        let began = Instant::now();
        let mut before = None;
        loop {
            let all = self.outboxes("true").await?;
            let untold = self.outboxes("published_at IS NULL").await?.unsigned_abs();
            let waiting = untold.saturating_add(self.bus.backlog().await.unwrap_or(u64::MAX));
            if waiting == 0 && before == Some(all) {
                return Ok(());
            }
            before = (waiting == 0).then_some(all);
            ensure!(began.elapsed() < PATIENCE, "{waiting} events were not dealt with in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many events the outboxes have.
    pub(crate) async fn outboxes(&self, which: &str) -> Result<i64> {
        let counts =
            PUBLISHERS.map(|service| format!("(SELECT count(*) FROM {service}.outbox WHERE {which})"));
        self.number(&format!("SELECT ({})::bigint", counts.join(" + "))).await
    }

    /// Every event is in its stream and has had each of its effects once, and nothing else has had any. Of poisoned events,
    /// only that they are in their streams.
    pub(crate) async fn every_event_counts_once(&self, poisoned: &[Uuid]) -> Result<()> {
        let mut told: HashMap<Uuid, Received> = HashMap::new();
        for service in PUBLISHERS {
            let kept = self.bus.history(service).await?;
            let kept: HashMap<Uuid, Received> = kept.into_iter().map(|event| (event.id, event)).collect();
            let outbox = self.ids(&format!("SELECT id FROM {service}.outbox")).await?;
            let lost = outbox.iter().filter(|id| !kept.contains_key(id)).count();
            ensure!(lost == 0, "{lost} of {} events of {service} are not in its stream", outbox.len());
            ensure!(kept.len() == outbox.len(), "{service}'s stream has events that nobody has told");
            told.extend(kept);
        }
        self.probe_has_seen_once(&told, poisoned).await?;
        told.retain(|id, _| !poisoned.contains(id));
        self.inboxes_know(&told).await?;
        for (what, query) in AGREEMENTS {
            let wrong: i64 =
                sqlx::query_scalar(query).bind(poisoned).fetch_one(&self.owner).await.context(what)?;
            ensure!(wrong == 0, "{wrong} {what}");
        }
        if poisoned.is_empty() {
            let letters = dead_letters::list(&self.bus, 10).await?;
            ensure!(letters.is_empty(), "there are dead letters: {letters:#?}");
        }
        Ok(())
    }

    async fn probe_has_seen_once(&self, told: &HashMap<Uuid, Received>, poisoned: &[Uuid]) -> Result<()> {
        let mut times: HashMap<Uuid, u32> = HashMap::new();
        for id in self.ids("SELECT event_id FROM probe.effects").await? {
            *times.entry(id).or_default() += 1;
        }
        let twice = times.values().filter(|times| **times > 1).count();
        ensure!(twice == 0, "{twice} events have had their effect more than once");
        ensure!(times.keys().all(|id| told.contains_key(id)), "an event that is in no stream had an effect");
        let unheard = told.keys().filter(|id| !times.contains_key(id) && !poisoned.contains(id)).count();
        ensure!(unheard == 0, "{unheard} of {} events have had no effect", told.len());
        Ok(())
    }

    /// Each consumer's inbox has all events that the consumer listens to. The consumers are those that NATS knows.
    async fn inboxes_know(&self, told: &HashMap<Uuid, Received>) -> Result<()> {
        let topology = self.bus.topology();
        for service in PUBLISHERS {
            let stream = self.nats.get_stream(topology.stream(service)).await?;
            let consumers: Vec<_> = stream.consumers().try_collect().await?;
            for consumer in consumers {
                let (schema, _) = consumer.name.split_once('_').context("a durable's name")?;
                let query =
                    format!("SELECT event_id FROM {schema}.inbox WHERE consumer = '{}'", consumer.name);
                let known: HashSet<Uuid> = self.ids(&query).await?.into_iter().collect();
                let filters = match consumer.config.filter_subject.as_str() {
                    "" => consumer.config.filter_subjects,
                    filter => vec![filter.to_owned()],
                };
                let mut missed = told.values().filter(|event| {
                    let subject = topology.subject(&event.event_type, event.store.map(StoreId::uuid));
                    let subject = subject.unwrap_or_default();
                    filters.iter().any(|filter| matches(filter, &subject)) && !known.contains(&event.id)
                });
                let first = missed.next().map(|event| &event.event_type);
                ensure!(
                    first.is_none(),
                    "{} has not heard of {} events, as of {first:?}",
                    consumer.name,
                    1 + missed.count()
                );
            }
        }
        Ok(())
    }

    /// Everything that was acknowledged is there, once, with one audit row and one call; and nothing that was not.
    pub(crate) async fn sales_are_there(&self, sold: &[Sold]) -> Result<()> {
        self.made_once("receptions", sold.iter().map(|sold| &sold.reception)).await?;
        self.made_once("leads", sold.iter().map(|sold| &sold.lead)).await?;
        self.made_once("deliveries", sold.iter().map(|sold| &sold.delivery)).await?;
        let files =
            self.number("SELECT count(*) FROM customer.customers WHERE display_name LIKE 'Fault %'").await?;
        ensure!(files == i64::try_from(sold.len())?, "{files} files of {} customers", sold.len());
        let deliveries = sold.iter().map(|sold| uuid_of(&sold.delivery.1)).collect::<Result<Vec<Uuid>>>()?;
        let calls: i64 =
            sqlx::query_scalar("SELECT count(*) FROM notification.call_tasks WHERE subject_id = ANY ($1)")
                .bind(&deliveries)
                .fetch_one(&self.owner)
                .await?;
        ensure!(
            calls == i64::try_from(deliveries.len())?,
            "{calls} calls for {} deliveries",
            deliveries.len()
        );
        Ok(())
    }

    async fn made_once(&self, table: &str, made: impl Iterator<Item = &(Uuid, String)>) -> Result<()> {
        let (requests, names): (Vec<Uuid>, Vec<String>) = made.cloned().unzip();
        let mut acknowledged = names.iter().map(|name| uuid_of(name)).collect::<Result<Vec<Uuid>>>()?;
        let query = format!("SELECT id FROM customer.{table} WHERE request_id = ANY ($1)");
        let mut found: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(query)).bind(&requests).fetch_all(&self.owner).await?;
        acknowledged.sort_unstable();
        found.sort_unstable();
        ensure!(
            found == acknowledged,
            "{} {table} were acknowledged, {} are there",
            acknowledged.len(),
            found.len()
        );
        let audited: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM customer.audit WHERE resource = ANY ($1) AND method LIKE 'Create%'",
        )
        .bind(&names)
        .fetch_one(&self.owner)
        .await?;
        ensure!(audited == i64::try_from(names.len())?, "{audited} audit rows of {} {table}", names.len());
        Ok(())
    }

    pub(crate) async fn number(&self, query: &str) -> Result<i64> {
        let number = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&self.owner).await;
        number.with_context(|| query.to_owned())
    }

    async fn ids(&self, query: &str) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&self.owner).await;
        ids.with_context(|| query.to_owned())
    }
}

/// The id in a resource's name.
pub(crate) fn uuid_of(name: &str) -> Result<Uuid> {
    let (_, id) = name.rsplit_once('/').context("a resource's name")?;
    Ok(id.parse()?)
}

/// Whether a subject matches a filter with NATS' wildcards.
fn matches(filter: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for part in filter.split('.') {
        match (part, words.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(word)) if part == word => {}
            _ => return false,
        }
    }
    words.next().is_none()
}
