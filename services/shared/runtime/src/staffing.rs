//! Who works where, as identity tells it, and what becomes of the things of those who can no longer work them.
//!
//! A service keeps who works where in a table of its own, by a consumer of [`Member::heard`]. What people have who left, changed
//! store or lost the right, a worker looks for ([`Release`]), rather than the consumer that hears of it: so that what somebody was
//! given while the news was under way is found, too.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_access::{Principal, audit::Action};
use foursight_kernel::{Error, Ids, Result, SharedClock, StaffId, StoreId};
use foursight_messaging::{HandleError, NewEvent, Received};
use foursight_proto::identity::events::v1::StaffChanged;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Database, RoleContext, Tick, Worker, record};

/// A member of staff as identity tells it, in the forms that a table keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: StaffId,
    /// Where they work.
    pub stores: Vec<Uuid>,
    /// Whether they work for the whole group.
    pub headquarters: bool,
    /// Whether they have not left.
    pub active: bool,
    /// By the API's numbers.
    pub roles: Vec<i16>,
    /// The newest one counts.
    pub version: i64,
}

impl Member {
    /// What an event tells of somebody; `None` when it tells something else.
    ///
    /// # Errors
    /// For good, when an id in it cannot be read.
    pub fn heard(event: &Received) -> Result<Option<Self>, HandleError> {
        let Some(changed) = event.decode::<StaffChanged>()? else { return Ok(None) };
        let unreadable = |error| HandleError::Permanent(Error::internal(error));
        let stores = changed.stores.iter().map(|store| StoreId::parse_name(store).map(StoreId::uuid));
        Ok(Some(Self {
            id: StaffId::parse_name(&changed.staff).map_err(unreadable)?,
            stores: stores.collect::<Result<_, _>>().map_err(unreadable)?,
            headquarters: changed.headquarters,
            active: changed.active,
            roles: changed.roles.iter().filter_map(|role| i16::try_from(*role).ok()).collect(),
            version: event.version,
        }))
    }
}

/// Takes things from those who can no longer work them, or hands them on.
#[async_trait]
pub trait Release: Send + Sync + 'static {
    /// The worker's name, unique in the role.
    const WORKER: &'static str;

    /// What is released, for the log: `leads`.
    const THINGS: &'static str;

    /// Finds a batch of such things, changes them and tells it, in the transaction; answers how many it has changed. Things that
    /// somebody is working on it leaves for the next round.
    ///
    /// # Errors
    /// Logged; the next round comes all the same.
    async fn batch(&self, tx: &mut PgConnection, round: &Round) -> Result<usize>;
}

/// What one batch is done with.
#[derive(Debug)]
pub struct Round {
    /// When.
    pub now: Timestamp,
    /// The most things in one transaction.
    pub limit: i64,
    service: &'static str,
    ids: Ids,
}

/// How a release is told and recorded.
#[derive(Debug)]
pub struct Released<'a> {
    /// As the audit log has it: `ReleaseLead`.
    pub method: &'static str,
    /// The thing's name.
    pub resource: &'a str,
    /// Where.
    pub store: StoreId,
    /// Whose it was.
    pub previous_owner: StaffId,
    /// What the others hear.
    pub event: NewEvent,
}

impl Round {
    /// Writes the event and the audit row of a release.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn tell(&self, tx: &mut PgConnection, released: Released<'_>) -> Result<()> {
        let Released { method, resource, store, previous_owner, event } = released;
        let detail = json!({ "previous_owner": previous_owner.name() });
        let action = Action { method, resource, store: Some(store), detail };
        record::change(tx, &self.ids, &Principal::service(self.service), self.now, event, action).await
    }
}

/// The worker of a release, for the role that is being built.
pub fn worker<R: Release>(
    context: &RoleContext,
    service: &'static str,
    every: Duration,
    release: R,
) -> Worker {
    let (db, clock, ids) = (context.db.clone(), context.clock.clone(), context.ids.clone());
    Worker::new(R::WORKER, every, Arc::new(Releasing { release, service, db, clock, ids }))
}

/// Things in one transaction.
const BATCH: i64 = 200;

struct Releasing<R> {
    release: R,
    service: &'static str,
    db: Database,
    clock: SharedClock,
    ids: Ids,
}

#[async_trait]
impl<R: Release> Tick for Releasing<R> {
    async fn tick(&self) -> Result<()> {
        loop {
            let round =
                Round { now: self.clock.now(), limit: BATCH, service: self.service, ids: self.ids.clone() };
            let mut tx = self.db.begin_as_service().await?;
            let released = self.release.batch(&mut tx, &round).await?;
            tx.commit().await?;
            if released == 0 {
                return Ok(());
            }
            tracing::info!(
                things = R::THINGS,
                released,
                "taken from those who cannot work them any more, or handed on"
            );
        }
    }
}
