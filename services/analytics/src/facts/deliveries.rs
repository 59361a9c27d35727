//! Deliveries: a car was handed over.

use foursight_kernel::{
    ids::{DeliveryId, StoreId, VehicleId},
    sql,
};
use foursight_messaging::HandleError;
use foursight_proto::customer::events::v1::VehicleDelivered;
use sqlx::PgConnection;

use super::Reading;

pub(super) async fn delivered(
    tx: &mut PgConnection,
    version: i64,
    told: &VehicleDelivered,
) -> Result<(), HandleError> {
    let (delivery, store, vehicle, deliver_time) = read(told)?;
    sqlx::query!(
        "INSERT INTO analytics.deliveries AS d (delivery_id, store_id, vehicle_id, deliver_time, version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (delivery_id) DO UPDATE
         SET store_id = EXCLUDED.store_id, vehicle_id = EXCLUDED.vehicle_id,
             deliver_time = EXCLUDED.deliver_time, version = EXCLUDED.version
         WHERE d.version < EXCLUDED.version",
        delivery.uuid(),
        store.uuid(),
        vehicle.uuid(),
        sql::at(deliver_time) as _,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn read(told: &VehicleDelivered) -> Result<(DeliveryId, StoreId, VehicleId, jiff::Timestamp), HandleError> {
    let mut reading = Reading::new();
    let delivery = reading.0.name::<DeliveryId>("delivery", &told.delivery);
    let store = reading.0.name::<StoreId>("store", &told.store);
    let vehicle = reading.0.name::<VehicleId>("vehicle", &told.vehicle);
    let deliver_time = reading.time("deliver_time", told.deliver_time.as_ref());
    let fact = delivery.zip(store).zip(vehicle).zip(deliver_time);
    reading.finish(fact.map(|(((delivery, store), vehicle), time)| (delivery, store, vehicle, time)))
}
