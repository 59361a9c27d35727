//! The plates of a car over time, with what was corrected and why.

use foursight_kernel::{Result, StaffId, StoreId, VehicleId, sql::Timestamp, time};
use foursight_proto::customer::v1::{PlateCorrection, VehiclePlate};
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    plate: String,
    start_time: Timestamp,
    end_time: Option<Timestamp>,
    reason: Option<i16>,
    note: Option<String>,
    staff_id: Option<Uuid>,
    store_id: Option<Uuid>,
    correct_time: Option<Timestamp>,
    instead: Option<String>,
}

/// The plates of a car that the transaction's caller may see, newest first.
pub(super) async fn of(tx: &mut PgConnection, vehicle: VehicleId) -> Result<Vec<VehiclePlate>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.plate, p.start_time, p.end_time, c.reason AS "reason?", c.note AS "note?", c.staff_id AS "staff_id?",
                  c.store_id AS "store_id?", c.correct_time AS "correct_time?", c.plate AS "instead?"
           FROM customer.vehicle_plates p
           LEFT JOIN LATERAL (
               SELECT x.reason, x.note, x.staff_id, x.store_id, x.correct_time, x.plate
               FROM customer.plate_corrections x
               WHERE x.vehicle_id = p.vehicle_id AND x.wrong_plate = p.plate AND x.wrong_start = p.start_time
                 AND p.end_time IS NOT NULL
               ORDER BY x.correct_time DESC LIMIT 1
           ) c ON true
           WHERE p.vehicle_id = $1
           ORDER BY p.start_time DESC, p.end_time DESC NULLS FIRST, p.plate"#,
        vehicle.uuid(),
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(Row::into_proto).collect())
}

impl Row {
    fn into_proto(self) -> VehiclePlate {
        let at = |at: Option<Timestamp>| at.map(|at| time::to_proto(at.to_jiff()));
        let correct_time = at(self.correct_time);
        let correction = self.reason.map(|reason| PlateCorrection {
            reason: reason.into(),
            note: self.note.unwrap_or_default(),
            staff: self.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
            store: self.store_id.map(|id| StoreId::from(id).name()).unwrap_or_default(),
            correct_time,
            plate: self.instead.unwrap_or_default(),
        });
        VehiclePlate {
            plate: self.plate,
            start_time: at(Some(self.start_time)),
            end_time: at(self.end_time),
            correction,
        }
    }
}
