//! Taking back what rows of visits did.

use foursight_kernel::{CustomerId, VehicleId, VisitId};
use foursight_messaging::NewEvent;
use foursight_proto::customer::events::v1::VisitRemoved;
use foursight_runtime::erasure;
use uuid::Uuid;

use crate::imports::{
    history::{self, Before},
    kind::SetBack,
    outcome::{Kept, Undone, Written},
    vehicles::undo::remove_readings,
    worker::Stop,
};

/// Sets these rows back. Nothing depends on a record of the past.
pub(super) async fn set_back(back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
    erasure::hold(&mut *back.tx).await?;
    let mut undone = Vec::with_capacity(rows.len());
    for row in rows {
        undone.push((row.row_number, one(back, row).await?));
    }
    let numbers: Vec<i64> = undone.iter().filter(|row| row.1.is_ok()).map(|row| row.0).collect();
    remove_readings(back, &numbers).await?;
    Ok(undone)
}

async fn one(back: &mut SetBack<'_>, row: &Written) -> Result<Result<(), Kept>, Stop> {
    // Who was erased since has no record of before any more, and keeps the visit as nobody's.
    let (Some(id), Some(sealed)) = (row.subject_id, &row.before) else { return Ok(Err(Kept::Gone)) };
    let before: Before = back.before(sealed)?;
    let found: Option<(Uuid, Uuid)> =
        sqlx::query!("DELETE FROM customer.visits WHERE id = $1 RETURNING vehicle_id, customer_id", id)
            .fetch_optional(&mut *back.tx)
            .await?
            .map(|found| (found.vehicle_id, found.customer_id));
    let Some((vehicle, customer)) = found else { return Ok(Err(Kept::Gone)) };
    history::deal_back(back, row.customer_id, &before).await?;
    let event = VisitRemoved {
        visit: VisitId::from(id).name(),
        customer: CustomerId::from(customer).name(),
        store: back.run.store().name(),
        vehicle: VehicleId::from(vehicle).name(),
    };
    back.events.push(NewEvent::new(&event, id, 3, Some(back.run.store())));
    Ok(Ok(()))
}
