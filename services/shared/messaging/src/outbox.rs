//! The outbox: events wait here, committed together with the change that they tell, until JetStream has them.

use std::sync::LazyLock;

use foursight_kernel::{Ids, Result, StoreId, sql};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, postgres::PgArguments, query::Query};
use uuid::Uuid;

use crate::NewEvent;

/// Writes an event in the transaction of its change. Returns the event's id.
pub async fn append(tx: &mut PgConnection, ids: &Ids, now: Timestamp, event: NewEvent) -> Result<Uuid> {
    static INSERT: LazyLock<String> = LazyLock::new(|| insert(1));
    let id = ids.uuid();
    bind(sqlx::query(AssertSqlSafe(INSERT.as_str())), id, now, event).execute(tx).await?;
    Ok(id)
}

/// The statement that writes an event, with its eight values from `$first` on.
pub fn insert(first: usize) -> String {
    let values: Vec<String> = (first..first + 8).map(|place| format!("${place}")).collect();
    format!(
        "INSERT INTO outbox (id, event_type, aggregate, version, store_id, at, traceparent, payload) VALUES ({})",
        values.join(", ")
    )
}

/// Gives [`insert`] its values.
pub fn bind(
    statement: Query<'_, Postgres, PgArguments>,
    id: Uuid,
    now: Timestamp,
    event: NewEvent,
) -> Query<'_, Postgres, PgArguments> {
    statement
        .bind(id)
        .bind(event.event_type)
        .bind(event.aggregate)
        .bind(event.version)
        .bind(event.store.map(StoreId::uuid))
        .bind(sql::at(now))
        .bind(event.traceparent)
        .bind(event.payload)
}

/// An event of the past that is written in bulk: by the demo group and by imports.
#[derive(Debug, Clone)]
pub struct PastEvent {
    /// The event's id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: NewEvent,
}

/// Writes many events in one statement, in their order.
pub async fn append_all(tx: &mut PgConnection, events: Vec<PastEvent>) -> Result<()> {
    let count = events.len();
    let mut ids = Vec::with_capacity(count);
    let mut types = Vec::with_capacity(count);
    let mut aggregates = Vec::with_capacity(count);
    let mut versions = Vec::with_capacity(count);
    let mut stores: Vec<Option<Uuid>> = Vec::with_capacity(count);
    let mut times = Vec::with_capacity(count);
    let mut payloads = Vec::with_capacity(count);
    for PastEvent { id, at, event } in events {
        ids.push(id);
        types.push(event.event_type);
        aggregates.push(event.aggregate);
        versions.push(event.version);
        stores.push(event.store.map(StoreId::uuid));
        times.push(sql::at(at));
        payloads.push(event.payload);
    }
    sqlx::query(
        "INSERT INTO outbox (id, event_type, aggregate, version, store_id, at, payload)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], $6::timestamptz[], $7::bytea[])",
    )
    .bind(ids)
    .bind(types)
    .bind(aggregates)
    .bind(versions)
    .bind(stores)
    .bind(times)
    .bind(payloads)
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes what was published before `before`; returns how many rows went.
pub async fn prune(tx: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done =
        sqlx::query("DELETE FROM outbox WHERE published_at < $1").bind(sql::at(before)).execute(tx).await?;
    Ok(done.rows_affected())
}
