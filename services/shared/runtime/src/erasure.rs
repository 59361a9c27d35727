//! What a service does when a customer was erased: it clears what it has of that customer, answers what it did, and writes nothing of
//! the customer any more. What it has is said by its migrations (`erasure_migrations`).

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{CustomerId, ErasureId, Error, Ids, Result, SharedClock, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, NewEvent, Received, Source, outbox};
use foursight_proto::customer::{events::v1::CustomerErased, v1::ErasedTable};
use jiff::Timestamp;
use prost::{Message, Name};
use sqlx::PgConnection;

/// What the consumer is for; part of the durable's name.
const PURPOSE: &str = "erasures";

/// Whether something may be written of a customer: nobody who was erased comes back by what is told late. To be asked in the
/// transaction that writes, before anything is locked in it; an erasure that comes now waits for its end.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn lives(tx: &mut PgConnection, customer: CustomerId) -> Result<bool> {
    let lives = sqlx::query_scalar("SELECT cardinality(living(ARRAY[$1])) = 1").bind(customer.uuid());
    Ok(lives.fetch_one(tx).await?)
}

/// Makes an erasure that comes now wait for the transaction's end, so that it finds what is written in it: for who sees by the rows
/// themselves whom they are of.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn hold(tx: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT living('{}')").execute(tx).await?;
    Ok(())
}

/// Waits for all who hold the customers that they write of, and keeps others waiting. To be asked before anything is locked by who
/// locks something before it erases: who holds already may want the very same lock.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn alone(tx: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('erasure'), hashtext(current_schema()))")
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes and blanks what this service has of a customer; gives what it did, by table. Again, it finds what has come since. The
/// transaction reaches the whole group.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn erase(tx: &mut PgConnection, customer: CustomerId, now: Timestamp) -> Result<Vec<ErasedTable>> {
    let rows: Vec<Counts> = sqlx::query_as("SELECT * FROM erase_customer($1, $2)")
        .bind(customer.uuid())
        .bind(sql::at(now))
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(table).collect())
}

/// What [`erase`] would do now. The transaction reaches the whole group.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn erasable(tx: &mut PgConnection, customer: CustomerId) -> Result<Vec<ErasedTable>> {
    let rows: Vec<Counts> = sqlx::query_as(
        "SELECT of_table, sum(rows_removed)::bigint, sum(rows_blanked)::bigint, sum(rows_kept)::bigint
         FROM erasable($1) GROUP BY 1 ORDER BY 1",
    )
    .bind(customer.uuid())
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(table).collect())
}

/// A table, and how many of its rows are removed, blanked and kept.
type Counts = (String, i64, i64, i64);

fn table((table, removed, blanked, kept): Counts) -> ErasedTable {
    ErasedTable { table, removed, blanked, kept }
}

/// What a service has done, for the event by which it says so.
#[derive(Debug, Clone)]
pub struct Done {
    /// `customers/{uuid}`
    pub customer: String,
    /// `erasures/{uuid}`
    pub erasure: String,
    /// By table.
    pub tables: Vec<ErasedTable>,
}

/// The consumer of a service that keeps something of customers; `tell` makes its own event of what was done.
pub fn consumer<E>(clock: SharedClock, ids: Ids, tell: fn(Done) -> E) -> ConsumerSpec
where
    E: Message + Name + 'static,
{
    ConsumerSpec::new(PURPOSE, &[Source::event::<CustomerErased>()], Arc::new(Erasing { clock, ids, tell }))
}

struct Erasing<E> {
    clock: SharedClock,
    ids: Ids,
    tell: fn(Done) -> E,
}

#[async_trait]
impl<E: Message + Name + 'static> Handler for Erasing<E> {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(erased) = event.decode::<CustomerErased>()? else { return Ok(()) };
        let broken = |error| HandleError::Permanent(Error::internal(error));
        let customer = CustomerId::parse_name(&erased.customer).map_err(broken)?;
        let erasure = ErasureId::parse_name(&erased.erasure).map_err(broken)?;
        let now = self.clock.now();
        // Their rows have followed to the survivor, and go with it.
        for absorbed in &erased.absorbed {
            erase(&mut *tx, CustomerId::parse_name(absorbed).map_err(broken)?, now).await?;
        }
        let tables = erase(&mut *tx, customer, now).await?;
        let done = (self.tell)(Done { customer: erased.customer, erasure: erased.erasure, tables });
        outbox::append(tx, &self.ids, now, NewEvent::new(&done, erasure.uuid(), 1, None)).await?;
        Ok(())
    }
}
