//! Deliveries: a car was handed over.

use foursight_kernel::{
    ids::{DeliveryId, StoreId, VehicleId},
    sql,
};
use foursight_messaging::HandleError;
use foursight_proto::customer::events::v1::{DeliveryRemoved, VehicleDelivered};
use sqlx::PgConnection;

use super::{Reading, newest::NewestById};

/// The deliveries that a batch tells of.
#[derive(Default)]
pub(super) struct Deliveries(NewestById<DeliveryId, Delivery>);

struct Delivery {
    store: StoreId,
    vehicle: VehicleId,
    /// Absent for one that was taken back.
    deliver_time: Option<jiff::Timestamp>,
}

impl Deliveries {
    pub(super) fn delivered(&mut self, version: i64, told: &VehicleDelivered) -> Result<(), HandleError> {
        let (id, delivery) = read(told)?;
        self.0.tell(id, version, delivery);
        Ok(())
    }

    pub(super) fn removed(&mut self, version: i64, told: &DeliveryRemoved) -> Result<(), HandleError> {
        let mut reading = Reading::new();
        let delivery = reading.0.name::<DeliveryId>("delivery", &told.delivery);
        let store = reading.0.name::<StoreId>("store", &told.store);
        let vehicle = reading.0.name::<VehicleId>("vehicle", &told.vehicle);
        let ((id, store), vehicle) = reading.finish(delivery.zip(store).zip(vehicle))?;
        self.0.tell(id, version, Delivery { store, vehicle, deliver_time: None });
        Ok(())
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut ids, mut versions) = (Vec::new(), Vec::new());
        let (mut stores, mut vehicles, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for (id, version, delivery) in self.0.into_rows() {
            ids.push(id.uuid());
            stores.push(delivery.store.uuid());
            vehicles.push(delivery.vehicle.uuid());
            times.push(sql::maybe_at(delivery.deliver_time));
            versions.push(version);
        }
        sqlx::query!(
            "INSERT INTO analytics.deliveries AS d (delivery_id, store_id, vehicle_id, deliver_time, version)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[])
             ON CONFLICT (delivery_id) DO UPDATE
             SET store_id = EXCLUDED.store_id, vehicle_id = EXCLUDED.vehicle_id,
                 deliver_time = EXCLUDED.deliver_time, version = EXCLUDED.version
             WHERE d.version < EXCLUDED.version",
            &ids,
            &stores,
            &vehicles,
            times as _,
            &versions,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn read(told: &VehicleDelivered) -> Result<(DeliveryId, Delivery), HandleError> {
    let mut reading = Reading::new();
    let delivery = reading.0.name::<DeliveryId>("delivery", &told.delivery);
    let store = reading.0.name::<StoreId>("store", &told.store);
    let vehicle = reading.0.name::<VehicleId>("vehicle", &told.vehicle);
    let deliver_time = reading.time("deliver_time", told.deliver_time.as_ref());
    let fact = delivery.zip(store).zip(vehicle).zip(deliver_time);
    reading.finish(fact.map(|(((id, store), vehicle), deliver_time)| {
        (id, Delivery { store, vehicle, deliver_time: Some(deliver_time) })
    }))
}
