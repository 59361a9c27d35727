//! One customer's story, through the door and every room: a walk-in becomes a lead, the car is handed over, the follow-up
//! call finds the customer dissatisfied, the complaint goes round twice and ends well, and the measures of the store show
//! it. The end-to-end test plays it, and `foursight story` plays it against a stack that runs.
//!
//! Everything goes through the gateway's JSON API, as the people of the store would do it, in one trace.

mod cast;
mod client;
mod complaint;
mod figures;
mod sale;
mod strangers;

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use foursight_messaging::{Bus, topology::Topology};
use serde_json::Value;

use crate::up::ready::Ready;
use cast::Cast;
pub use client::Answer;
use client::Client;

/// How long a step may wait for what events bring about.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the customer's timeline shows in the end, oldest first; other entries may stand between.
const IN_ORDER: [&str; 20] = [
    "CUSTOMER_CREATED",
    "CONSENT_RECORDED",
    "LEAD_CREATED",
    "LEAD_GRADED",
    "VEHICLE_DELIVERED",
    "CALL_TASK_PLANNED",
    "CALL_ATTEMPTED",
    "CALL_TASK_COMPLETED",
    "CASE_OPENED",
    "CASE_ASSIGNED",
    "CASE_REPLIED",
    "VISIT_STARTED",
    "VISIT_COMPLETED",
    "CASE_HANDLED",
    "CASE_RESULT_TOLD",
    "CASE_REOPENED",
    "CASE_ASSIGNED",
    "CASE_HANDLED",
    "CASE_RESULT_TOLD",
    "CASE_CLOSED",
];

/// What a step tells when it is done.
#[derive(Debug)]
pub struct Telling<'a> {
    /// Which step, from 1.
    pub number: usize,
    /// What happened.
    pub what: &'a str,
    /// The names of what it happened to.
    pub names: &'a [String],
    /// The trace of the whole story.
    pub trace_id: &'a str,
}

impl fmt::Display for Telling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>2}. {}", self.number, self.what)?;
        for name in self.names {
            write!(f, "\n      {name}")?;
        }
        write!(f, "\n      trace {}", self.trace_id)
    }
}

/// Who listens to the story.
pub type Listener = Box<dyn Fn(&Telling<'_>) + Send + Sync>;

/// The story, about to be played.
pub struct Story {
    client: Client,
    cast: Cast,
    /// The event stream's address.
    nats: String,
    listener: Listener,
    told: std::sync::atomic::AtomicUsize,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("trace_id", &self.client.trace_id).finish_non_exhaustive()
    }
}

/// What the story has made, for whoever looks at it afterwards.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The customer's file.
    pub customer: String,
    /// The store where it happened.
    pub store: String,
    /// The complaint.
    pub case: String,
    /// The trace of the whole story.
    pub trace_id: String,
}

impl Story {
    /// The story against a stack; the people are found among its sign-ins.
    ///
    /// # Errors
    /// When the stack has no demo group.
    pub fn new(ready: &Ready, listener: Listener) -> Result<Self> {
        let cast = Cast::of(&ready.users)?;
        Ok(Self {
            client: Client::new(&ready.gateway),
            cast,
            nats: ready.nats.clone(),
            listener,
            told: 0.into(),
        })
    }

    /// Plays it.
    ///
    /// # Errors
    /// Where a step does not do what it should; the message says which.
    pub async fn play(&self) -> Result<Outcome> {
        self.settle().await.context("the events of the past")?;
        let people = self.cast.sign_in(&self.client).await.context("signing in")?;
        self.tell("the store's people have signed in", std::slice::from_ref(&people.store));
        let before = figures::read(self, &people).await.context("reading the measures before")?;
        let sale = sale::play(self, &people).await?;
        let case = complaint::play(self, &people, &sale).await?;
        figures::have_moved(self, &people, &before).await.context("the measures")?;
        self.timeline(&people, &sale.customer).await.context("the timeline")?;
        strangers::see_nothing(self, &people, &sale, &case).await.context("another store's staff")?;
        Ok(Outcome {
            customer: sale.customer,
            store: people.store,
            case,
            trace_id: self.client.trace_id.clone(),
        })
    }

    /// Whether what an earlier telling made is still there, whole.
    ///
    /// # Errors
    /// When the stack does not answer.
    pub async fn remembers(&self, earlier: &Outcome) -> Result<bool> {
        let people = self.cast.sign_in(&self.client).await?;
        let path = format!("/v1/{}/timelineEntries?pageSize=200", earlier.customer);
        let entries = self.client.get(&people.cr_manager, &path).await?.list("timelineEntries");
        let case = self.client.get(&people.cr_manager, &format!("/v1/{}", earlier.case)).await?;
        Ok(entries.len() >= IN_ORDER.len() && case.text("state") == "CASE_STATE_CLOSED")
    }

    /// The customer's timeline shows all of it, in order.
    async fn timeline(&self, people: &cast::People, customer: &str) -> Result<()> {
        let path = format!("/v1/{customer}/timelineEntries?pageSize=200");
        let kinds = self
            .wait_for("the timeline is complete", || async {
                let entries = self.client.get(&people.cr_manager, &path).await?;
                let newest_first = entries.list("timelineEntries");
                let kinds: Vec<String> = newest_first.iter().rev().map(|entry| entry.text("kind")).collect();
                Ok(is_subsequence(&IN_ORDER, &kinds).then_some(kinds))
            })
            .await?;
        self.tell(&format!("the timeline shows all of it in order, {} entries", kinds.len()), &[]);
        Ok(())
    }

    /// A fresh demo group tells three years of history; what the story does comes after it in the queue.
    async fn settle(&self) -> Result<()> {
        let bus = Bus::connect(&self.nats, "foursight story", Topology::new("foursight", 1)).await?;
        let (mut least, mut since) = (u64::MAX, Instant::now());
        loop {
            let waiting = bus.backlog().await?;
            if waiting == 0 {
                return Ok(());
            }
            if waiting < least {
                (least, since) = (waiting, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                bail!("{waiting} events wait, and none of them was dealt with for {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn tell(&self, what: &str, names: &[String]) {
        let number = self.told.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        (self.listener)(&Telling { number, what, names, trace_id: &self.client.trace_id });
    }

    /// Asks again until the answer is there: events take a moment.
    async fn wait_for<T, F>(&self, what: &str, mut ask: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let began = Instant::now();
        loop {
            if let Some(answer) = ask().await.with_context(|| what.to_owned())? {
                return Ok(answer);
            }
            if began.elapsed() > PATIENCE {
                bail!("{what}: that did not happen within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Whether `wanted` stand in `found` in this order, whatever stands between them.
fn is_subsequence(wanted: &[&str], found: &[String]) -> bool {
    let mut found = found.iter();
    wanted.iter().all(|kind| found.any(|candidate| candidate == kind))
}

/// Whether a JSON value has what a step expects.
fn expect(value: &Value, field: &str, wanted: &str) -> Result<()> {
    let found = value.get(field).and_then(Value::as_str).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    bail!("{field} should be {wanted} and is {found:?}")
}
