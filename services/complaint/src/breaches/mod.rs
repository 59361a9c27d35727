//! Notices deadlines that passed before what they wait for was done, and tells it.
//!
//! In sets, a batch a transaction. A case that somebody is working on is skipped: the command itself notices, or the next
//! tick does. A breach is an event of the case but no change by a person: it does not touch the etag.

use async_trait::async_trait;
use foursight_kernel::{Ids, Result, SharedClock, sql, time};
use foursight_messaging::{
    NewEvent,
    outbox::{self, PastEvent},
};
use foursight_proto::complaint::events::v1::ClockBreached;
use foursight_runtime::{Database, Tick};
use jiff::Timestamp;
use sqlx::PgConnection;

/// Cases in one transaction.
const BATCH: i64 = 500;

/// Marks running clocks past their deadline as breached.
pub(crate) struct Breaches {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
}

#[async_trait]
impl Tick for Breaches {
    async fn tick(&self) -> Result<()> {
        loop {
            let now = self.clock.now();
            let mut tx = self.db.begin_as_service().await?;
            let found = breach(&mut tx, &self.ids, now).await?;
            tx.commit().await?;
            if found == 0 {
                return Ok(());
            }
            tracing::info!(clocks = found, "deadlines passed");
        }
    }
}

/// Breaches one batch; gives the number of clocks, 0 when nothing is late (or all that is late is being worked on).
async fn breach(tx: &mut PgConnection, ids: &Ids, now: Timestamp) -> Result<usize> {
    // The cases are locked first, as every command does, so that nobody waits in a circle.
    let cases = sqlx::query_scalar!(
        "SELECT c.id FROM complaint.cases c
         WHERE c.id IN (SELECT k.case_id FROM complaint.clocks k
                        WHERE k.state = 1 AND k.due_time < $1 ORDER BY k.due_time LIMIT $2)
         FOR UPDATE OF c SKIP LOCKED",
        sql::at(now) as _,
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    if cases.is_empty() {
        return Ok(0);
    }
    let rows = sqlx::query!(
        r#"WITH late AS (
             UPDATE complaint.clocks SET state = 3
             WHERE case_id = ANY ($1) AND state = 1 AND due_time < $2
             RETURNING case_id, loop, kind, due_time
           ), numbered AS (
             SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY due_time, kind) AS place FROM late
           ), told AS (
             UPDATE complaint.cases c SET version = c.version + n.count
             FROM (SELECT case_id, count(*) AS count FROM late GROUP BY case_id) n
             WHERE c.id = n.case_id
             RETURNING c.id, c.store_id, c.customer_id, c.owner_id, c.version - n.count AS before
           )
           SELECT t.id AS "id!", t.store_id AS "store_id!", t.customer_id, t.owner_id,
                  t.before + n.place AS "version!", n.loop AS "round!", n.kind AS "kind!", n.due_time AS "due!"
           FROM told t JOIN numbered n ON n.case_id = t.id
           ORDER BY n.due_time, t.id, n.place"#,
        &cases,
        sql::at(now) as _,
    )
    .fetch_all(&mut *tx)
    .await?;
    let name = |collection: &str, id| format!("{collection}/{id}");
    let events: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let event = ClockBreached {
                case: name("cases", row.id),
                store: name("stores", row.store_id),
                customer: row.customer_id.map(|id| name("customers", id)).unwrap_or_default(),
                clock: row.kind.into(),
                r#loop: row.round,
                due_time: Some(time::to_proto(row.due.to_jiff())),
                owner: row.owner_id.map(|id| name("staff", id)).unwrap_or_default(),
            };
            let event = NewEvent::new(&event, row.id, row.version, Some(row.store_id.into()));
            PastEvent { id: ids.uuid(), at: now, event }
        })
        .collect();
    let found = events.len();
    outbox::append_all(tx, events).await?;
    Ok(found)
}
