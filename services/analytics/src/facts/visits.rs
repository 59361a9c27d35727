//! Service visits: a car came in, and was handed back. Two events tell one row; either may come first.

use foursight_kernel::{
    ids::{StoreId, VehicleId, VisitId},
    sql,
};
use foursight_messaging::HandleError;
use foursight_proto::customer::events::v1::{VisitCompleted, VisitStarted};
use sqlx::PgConnection;

use super::Reading;

pub(super) async fn started(
    tx: &mut PgConnection,
    version: i64,
    told: &VisitStarted,
) -> Result<(), HandleError> {
    let fact = read(&told.visit, &told.store, &told.vehicle, "check_in_time", told.check_in_time.as_ref())?;
    // Store and vehicle are told by both events: the newer one holds.
    sqlx::query!(
        "INSERT INTO analytics.visits AS v (visit_id, store_id, vehicle_id, check_in_time, started_version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (visit_id) DO UPDATE
         SET store_id = CASE WHEN EXCLUDED.started_version < v.completed_version THEN v.store_id ELSE EXCLUDED.store_id END,
             vehicle_id = CASE WHEN EXCLUDED.started_version < v.completed_version THEN v.vehicle_id ELSE EXCLUDED.vehicle_id END,
             check_in_time = EXCLUDED.check_in_time, started_version = EXCLUDED.started_version
         WHERE v.started_version IS NULL OR v.started_version < EXCLUDED.started_version",
        fact.visit.uuid(),
        fact.store.uuid(),
        fact.vehicle.uuid(),
        sql::at(fact.time) as _,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn completed(
    tx: &mut PgConnection,
    version: i64,
    told: &VisitCompleted,
) -> Result<(), HandleError> {
    let fact = read(&told.visit, &told.store, &told.vehicle, "hand_over_time", told.hand_over_time.as_ref())?;
    sqlx::query!(
        "INSERT INTO analytics.visits AS v (visit_id, store_id, vehicle_id, hand_over_time, completed_version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (visit_id) DO UPDATE
         SET store_id = CASE WHEN EXCLUDED.completed_version < v.started_version THEN v.store_id ELSE EXCLUDED.store_id END,
             vehicle_id = CASE WHEN EXCLUDED.completed_version < v.started_version THEN v.vehicle_id ELSE EXCLUDED.vehicle_id END,
             hand_over_time = EXCLUDED.hand_over_time, completed_version = EXCLUDED.completed_version
         WHERE v.completed_version IS NULL OR v.completed_version < EXCLUDED.completed_version",
        fact.visit.uuid(),
        fact.store.uuid(),
        fact.vehicle.uuid(),
        sql::at(fact.time) as _,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

struct Step {
    visit: VisitId,
    store: StoreId,
    vehicle: VehicleId,
    time: jiff::Timestamp,
}

fn read(
    visit: &str,
    store: &str,
    vehicle: &str,
    time_field: &'static str,
    time: Option<&prost_types::Timestamp>,
) -> Result<Step, HandleError> {
    let mut reading = Reading::new();
    let visit = reading.0.name::<VisitId>("visit", visit);
    let store = reading.0.name::<StoreId>("store", store);
    let vehicle = reading.0.name::<VehicleId>("vehicle", vehicle);
    let time = reading.time(time_field, time);
    let fact = visit.zip(store).zip(vehicle).zip(time);
    reading.finish(fact.map(|(((visit, store), vehicle), time)| Step { visit, store, vehicle, time }))
}
