//! Taking back what rows of deliveries did.

use foursight_kernel::{CustomerId, DeliveryId, VehicleId};
use foursight_messaging::NewEvent;
use foursight_proto::customer::events::v1::DeliveryRemoved;
use foursight_runtime::erasure;
use uuid::Uuid;

use crate::imports::{
    history::{self, Before},
    kind::SetBack,
    outcome::{Kept, Undone, Written},
    vehicles::{undo::remove_readings, write},
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
    sqlx::query!("SELECT customer.remove_imported_deliveries($1, $2)", back.run.id, &numbers)
        .execute(&mut *back.tx)
        .await?;
    Ok(undone)
}

async fn one(back: &mut SetBack<'_>, row: &Written) -> Result<Result<(), Kept>, Stop> {
    // Who was erased since has no record of before any more, and keeps the delivery as nobody's.
    let (Some(id), Some(sealed)) = (row.subject_id, &row.before) else { return Ok(Err(Kept::Gone)) };
    let found = sqlx::query!("SELECT vehicle_id, customer_id FROM customer.deliveries WHERE id = $1", id)
        .fetch_optional(&mut *back.tx)
        .await?;
    let Some(found) = found else { return Ok(Err(Kept::Gone)) };
    let before: Before = back.before(sealed)?;
    history::deal_back(back, row.customer_id, &before).await?;
    if before.delivered && is_newest(back, id, found.vehicle_id).await? {
        write::deliver_time(back.tx, found.vehicle_id.into(), None).await?;
    }
    let event = DeliveryRemoved {
        delivery: DeliveryId::from(id).name(),
        customer: CustomerId::from(found.customer_id).name(),
        store: back.run.store().name(),
        vehicle: VehicleId::from(found.vehicle_id).name(),
    };
    back.events.push(NewEvent::new(&event, id, 2, Some(back.run.store())));
    Ok(Ok(()))
}

/// Whether what the car's file says of its last hand-over is of this one.
async fn is_newest(back: &mut SetBack<'_>, id: Uuid, vehicle: Uuid) -> Result<bool, Stop> {
    let newest = sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM customer.deliveries d WHERE d.vehicle_id = $2 AND d.id <> $1) AS "newest!""#,
        id,
        vehicle,
    );
    Ok(newest.fetch_one(&mut *back.tx).await?)
}
