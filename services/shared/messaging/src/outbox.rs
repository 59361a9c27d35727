//! The outbox: events wait here, committed together with the change that they tell, until JetStream has them.

use foursight_kernel::{Ids, Result, StoreId, sql};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::NewEvent;

/// Writes an event in the transaction of its change. Returns the event's id.
pub async fn append(tx: &mut PgConnection, ids: &Ids, now: Timestamp, event: NewEvent) -> Result<Uuid> {
    let id = ids.uuid();
    sqlx::query(
        "INSERT INTO outbox (id, event_type, aggregate, version, store_id, at, traceparent, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(event.event_type)
    .bind(event.aggregate)
    .bind(event.version)
    .bind(event.store.map(StoreId::uuid))
    .bind(sql::at(now))
    .bind(event.traceparent)
    .bind(event.payload)
    .execute(tx)
    .await?;
    Ok(id)
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

/// How many events wait to be published.
pub async fn backlog(tx: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM outbox WHERE published_at IS NULL").fetch_one(tx).await?)
}

/// Removes what was published before `before`; returns how many rows went.
pub async fn prune(tx: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done =
        sqlx::query("DELETE FROM outbox WHERE published_at < $1").bind(sql::at(before)).execute(tx).await?;
    Ok(done.rows_affected())
}
