//! Writes the demo group, each part through its own service's bulk loader and under that service's database role.
//!
//! Customers go in by chunks. Of a chunk, the cases go first, then the calls, then the files with their cars, so that
//! nobody who hears of a delivery plans a call that was made long ago, and nobody who hears of a bad call opens a case that
//! is there. The first two pass over what is there, the last is written whole or not at all. Files of several chunks are
//! written at a time while the cases and calls of the next go ahead, and all is committed in order: a load that was stopped
//! goes on with the first customer who is missing, a larger group is added to, and loading the same again changes nothing.

use std::{fmt, ops::AddAssign, sync::Arc};

use anyhow::{Context, Result, ensure};
use foursight_complaint::bulk as complaint;
use foursight_customer::bulk as customer;
use foursight_identity::{bulk as identity, hash_password};
use foursight_kernel::{CustomerId, Ids, SharedClock, StoreId, sql};
use foursight_notification::bulk as notification;
use foursight_runtime::{Database, Settings, Tx};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    plan::{CustomerFile, Plan},
    rows,
    sign_ins::PASSWORD,
    standing,
};

/// Customers to a chunk: one transaction in each service, and what is in memory at a time.
const CHUNK: u32 = 500;

/// Chunks whose files are written at a time.
const AT_A_TIME: usize = 2;

/// The place of a chunk's first customer, and its customers.
type Chunk = (u32, Vec<CustomerFile>);

/// Said when a task of the load does not come to its end.
const STOPPED: &str = "a part of the load was stopped";

/// Where a demo group is to be loaded.
pub struct DemoTarget {
    /// The services' databases and keys.
    pub settings: Arc<Settings>,
    /// The time that the group's history leads up to.
    pub clock: SharedClock,
}

impl fmt::Debug for DemoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DemoTarget")
    }
}

/// What was loaded, this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DemoReport {
    /// Stores in the group.
    pub stores: usize,
    /// Staff in the group.
    pub staff: usize,
    /// Customers in the group, including those that were there already.
    pub customers: u64,
    /// Customers that were written now.
    pub written: u64,
    /// Cars written now.
    pub cars: u64,
    /// Service visits written now.
    pub visits: u64,
    /// Follow-up calls written now.
    pub calls: u64,
    /// Cases written now.
    pub cases: u64,
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stores, staff, customers, written, cars, visits, calls, cases } = self;
        writeln!(f, "{stores} stores, {staff} staff, {customers} customers, {written} of them written now")?;
        write!(f, "written now: {cars} cars, {visits} visits, {calls} follow-up calls, {cases} cases")
    }
}

/// Loads the demo group of so many customers (at most 1,200,000), or what is missing of it. `progress` hears how many
/// customers are there, and of how many.
///
/// # Errors
/// When a database cannot be reached, when another group's stores are there, or when the demo group that is there was
/// made from another seed.
pub async fn load(
    target: &DemoTarget,
    customers: u32,
    seed: u64,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<DemoReport> {
    let loader = Arc::new(Loader::new(target)?);
    let plan = Arc::new(loader.group(customers, seed, target.clock.now()).await?);
    let group = plan.group();
    let total = u64::from(plan.customers());
    let mut report = DemoReport {
        stores: group.stores.len(),
        staff: group.staff.len(),
        customers: total,
        ..DemoReport::default()
    };
    loader.catalogue(&plan).await?;
    let first = loader.first_missing(&plan).await?;
    let mut done = u64::from(first);
    progress(done, total);
    let step = usize::try_from(CHUNK).unwrap_or(usize::MAX);
    let mut chunks = stream::iter((first..plan.customers()).step_by(step))
        .then(|first| {
            let (loader, plan) = (loader.clone(), plan.clone());
            tokio::spawn(async move { loader.cases_and_calls(&plan, first).await })
        })
        .map(|before| {
            let (loader, plan) = (loader.clone(), plan.clone());
            tokio::spawn(async move {
                let (files, written) = before.context(STOPPED)??;
                loader.files(&plan, files, written).await
            })
        })
        .buffered(AT_A_TIME);
    while let Some(chunk) = chunks.next().await {
        let (files, written) = chunk.context(STOPPED)??;
        files.commit().await?;
        report += written;
        done += written.written;
        progress(done, total);
    }
    Ok(report)
}

struct Loader {
    identity: Database,
    customer: Database,
    notification: Database,
    complaint: Database,
    settings: Arc<Settings>,
    ids: Ids,
}

impl Loader {
    fn new(target: &DemoTarget) -> Result<Self> {
        let settings = &target.settings;
        let ids = Ids::new(target.clock.clone());
        Ok(Self {
            identity: Database::of(settings, "identity")?,
            customer: Database::of(settings, "customer")?,
            notification: Database::of(settings, "notification")?,
            complaint: Database::of(settings, "complaint")?,
            settings: settings.clone(),
            ids,
        })
    }

    /// Stores and staff: written now, or found as an earlier load left them. The plan's own time is then that load's, so
    /// that it plans the very same rows.
    async fn group(&self, customers: u32, seed: u64, now: Timestamp) -> Result<Plan> {
        let mut tx = self.identity.begin_as_service().await?;
        let found: Option<(Uuid, sql::Timestamp)> =
            sqlx::query_as("SELECT id, created_at FROM identity.stores ORDER BY code = 'SH01' DESC LIMIT 1")
                .fetch_optional(&mut *tx)
                .await?;
        let Some((store, founded)) = found else {
            let plan = Plan::new(customers, seed, now);
            let password = hash_password(PASSWORD.into()).await?;
            let (stores, staff) = (rows::stores(plan.group()), rows::staff(plan.group(), &password));
            identity::load(&mut tx, &self.ids, &stores, &staff, plan.group().founded).await?;
            tx.commit().await?;
            return Ok(plan);
        };
        let plan = Plan::new(customers, seed, Plan::now_of(founded.to_jiff()));
        let ours = plan.group().stores.iter().any(|planned| planned.id == StoreId::from(store));
        ensure!(ours, "the database holds a group of its own; load the demo group into an empty one");
        let somebody = plan.group().staff.first().context("the group has staff")?;
        let same: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM identity.staff WHERE id = $1)")
            .bind(somebody.id.uuid())
            .fetch_one(&mut *tx)
            .await?;
        ensure!(
            same,
            "the demo group that is there was made from another seed; give that one, or start afresh"
        );
        tx.rollback().await?;
        Ok(plan)
    }

    /// Tags and segments: written now, or there already.
    async fn catalogue(&self, plan: &Plan) -> Result<()> {
        let (tags, segments) = standing::catalogue(plan);
        let mut tx = self.customer.begin_as_service().await?;
        customer::catalogue(&mut tx, &self.ids, (&tags, &segments), plan.group().founded).await?;
        Ok(tx.commit().await?)
    }

    /// How many customers are there: always the first so many, because chunks are written in order and each whole.
    async fn first_missing(&self, plan: &Plan) -> Result<u32> {
        let (mut there, mut missing) = (0, plan.customers());
        while there < missing {
            let middle = there + (missing - there) / 2;
            if self.has(plan.customer(middle).customer.id).await? {
                there = middle + 1;
            } else {
                missing = middle;
            }
        }
        Ok(there)
    }

    async fn has(&self, customer: CustomerId) -> Result<bool> {
        let mut tx = self.customer.begin_as_service().await?;
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM customer.customers WHERE id = $1)")
            .bind(customer.uuid())
            .fetch_one(&mut *tx)
            .await?;
        tx.rollback().await?;
        Ok(there)
    }

    /// Writes what goes before a chunk's files.
    async fn cases_and_calls(&self, plan: &Plan, first: u32) -> Result<(Chunk, DemoReport)> {
        let end = first.saturating_add(CHUNK).min(plan.customers());
        let files: Vec<CustomerFile> = (first..end).map(|place| plan.customer(place)).collect();
        let mut report = DemoReport { written: files.len() as u64, ..DemoReport::default() };
        let stores = rows::case_stores(plan.group());
        let mut tx = self.complaint.begin_as_service().await?;
        report.cases = complaint::insert(&mut tx, &self.ids, &stores, rows::cases(&files)).await?;
        tx.commit().await?;

        let mut tx = self.notification.begin_as_service().await?;
        report.calls = notification::load(&mut tx, &self.ids, &rows::calls(&files)).await?;
        tx.commit().await?;
        Ok(((first, files), report))
    }

    /// Writes a chunk's files, which the caller commits when their turn has come.
    async fn files(
        &self,
        plan: &Plan,
        (first, files): Chunk,
        mut report: DemoReport,
    ) -> Result<(Tx, DemoReport)> {
        let mut tx = self.customer.begin_as_service().await?;
        let mut batch = rows::files(plan.group(), &files);
        standing::add(&mut batch, plan, first, &files);
        customer::load(&mut tx, &self.settings, &self.ids, batch).await?;
        let cars = || files.iter().flat_map(|file| &file.cars);
        report.cars = cars().count() as u64;
        report.visits = cars().map(|car| car.visits.len() as u64).sum::<u64>();
        Ok((tx, report))
    }
}

impl AddAssign for DemoReport {
    /// Adds what another part has written.
    fn add_assign(&mut self, part: Self) {
        self.written += part.written;
        self.cars += part.cars;
        self.visits += part.visits;
        self.calls += part.calls;
        self.cases += part.cases;
    }
}
