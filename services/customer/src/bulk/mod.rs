//! Loading what is known already, in bulk: the demo group. Imports write new files by the same statements.
//!
//! A [`Batch`] holds rows in clear as somebody made or read them; [`load`] seals them on all cores and writes them with
//! their events, set by set, in the caller's transaction. Rows are trusted to fit together (a visit's vehicle has an
//! owner, an odometer runs forwards); values are still read by the same rules as the API's.

pub(crate) mod events;
mod rows;
pub(crate) mod seal;
mod standing;
pub(crate) mod write;
mod write_sales;

use anyhow::{Context, Result};
use foursight_kernel::Ids;
use foursight_runtime::Settings;
use sqlx::PgConnection;

pub use rows::{
    Batch, ConsentRow, ContactRow, CustomerRow, CustomerTagRow, DeliveryRow, LeadRow, MembershipRow,
    OwnershipRow, PapersRow, PersonRow, PlateRow, ReceptionRow, RelationRow, Said, SegmentRow, TagRow,
    VehicleRow, VisitRow,
};
pub use standing::catalogue;

/// How many rows were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Files of customers.
    pub customers: usize,
    /// Events in the outbox.
    pub events: usize,
}

/// Writes a batch and its events. `tx` reaches the whole group (`Database::begin_as_service`); some thousand customers
/// with all that is theirs make a good batch. Ids should carry the time at which the thing came to be: lists are ordered
/// by them.
///
/// # Errors
/// When a value is not what the API would take, when a phone or national id is on file already, or when the database does
/// not answer. Nothing of the batch remains once the transaction is dropped.
pub async fn load(tx: &mut PgConnection, settings: &Settings, ids: &Ids, mut batch: Batch) -> Result<Loaded> {
    let keys = crate::role::key_ring(settings).await?;
    let versions = events::number_consents(&mut batch.consents);
    let mut events = events::of(&batch, ids);
    let customers = std::mem::take(&mut batch.customers);
    let count = customers.len();
    let sealing_ids = ids.clone();
    let sealed = tokio::task::spawn_blocking(move || seal::seal_all(&keys, &sealing_ids, &customers))
        .await
        .context("sealing was stopped")??;

    write::customers(tx, &sealed, &versions).await?;
    write::consents(tx, &batch.consents).await?;
    write::vehicles(tx, &batch).await?;
    write_sales::receptions(tx, &batch.receptions).await?;
    write_sales::leads(tx, &batch.leads).await?;
    write_sales::deliveries(tx, &batch.deliveries).await?;
    write_sales::visits(tx, &batch.visits).await?;
    write_sales::odometer_readings(tx, &batch).await?;
    events.extend(standing::write(tx, ids, &batch).await?);
    events.sort_by_key(|event| event.at);
    let loaded = Loaded { customers: count, events: events.len() };
    foursight_messaging::outbox::append_all(tx, events).await?;
    Ok(loaded)
}
