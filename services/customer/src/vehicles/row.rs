//! Reading vehicles as they are now.

use foursight_kernel::{
    CustomerId, Result, VehicleId,
    sql::{Date, Timestamp},
    time,
};
use foursight_proto::{
    customer::v1::{Insurance, Vehicle, Warranty},
    google::r#type,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::customers::date_to_proto;

struct VehicleRow {
    id: Uuid,
    vin: String,
    model: String,
    trim: String,
    colour: String,
    deliver_time: Option<Timestamp>,
    plate: Option<String>,
    owner: Option<Uuid>,
    odometer_km: Option<i32>,
    version: i64,
    warranty_end: Option<Date>,
    warranty_km: Option<i32>,
    compulsory_insurer: String,
    compulsory_end: Option<Date>,
    commercial_insurer: String,
    commercial_end: Option<Date>,
    inspection_date: Option<Date>,
    registration_date: Option<Date>,
}

/// What gives back who shows to know the vehicle as it is. A plate that another car takes is no change of the vehicle's own row.
pub(super) fn etag(version: i64, plate: Option<&str>) -> String {
    format!("r{version}{}", if plate.is_some() { "" } else { "-" })
}

/// The vehicles of these ids that the transaction's caller may see, newest first. The owner is told when the caller may
/// see the owner's file.
pub(crate) async fn read(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Vehicle>> {
    let rows = sqlx::query_as!(
        VehicleRow,
        r#"SELECT v.id, v.vin, v.model, v.trim, v.colour, v.deliver_time, v.version, p.plate AS "plate?",
                  o.customer_id AS "owner?", r.odometer_km AS "odometer_km?", v.warranty_end, v.warranty_km,
                  v.compulsory_insurer, v.compulsory_end, v.commercial_insurer, v.commercial_end, v.inspection_date,
                  v.registration_date
           FROM customer.vehicles v
           LEFT JOIN customer.vehicle_plates p ON p.vehicle_id = v.id AND p.end_time IS NULL
           LEFT JOIN customer.vehicle_ownerships o ON o.vehicle_id = v.id AND o.end_time IS NULL
           LEFT JOIN LATERAL (
               SELECT x.odometer_km FROM customer.odometer_readings x
               WHERE x.vehicle_id = v.id
                 AND NOT EXISTS (SELECT FROM customer.odometer_corrections c
                                 WHERE c.vehicle_id = x.vehicle_id AND c.corrected_id = x.subject_id)
               ORDER BY x.read_time DESC, x.odometer_km DESC LIMIT 1
           ) r ON true
           WHERE v.id = ANY ($1)
           ORDER BY v.id DESC"#,
        ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(VehicleRow::into_proto).collect())
}

impl VehicleRow {
    fn into_proto(self) -> Vehicle {
        let etag = etag(self.version, self.plate.as_deref());
        Vehicle {
            name: VehicleId::from(self.id).name(),
            vin: self.vin,
            plate: self.plate.unwrap_or_default(),
            model: self.model,
            trim: self.trim,
            colour: self.colour,
            owner: self.owner.map_or_else(String::new, |owner| CustomerId::from(owner).name()),
            deliver_time: self.deliver_time.map(|at| time::to_proto(at.to_jiff())),
            odometer_km: self.odometer_km.unwrap_or_default(),
            odometer_readings: Vec::new(),
            plates: Vec::new(),
            etag,
            warranty: warranty(self.warranty_end, self.warranty_km),
            compulsory_insurance: insurance(self.compulsory_insurer, self.compulsory_end),
            commercial_insurance: insurance(self.commercial_insurer, self.commercial_end),
            inspection_date: self.inspection_date.map(to_proto),
            registration_date: self.registration_date.map(to_proto),
        }
    }
}

fn to_proto(date: Date) -> r#type::Date {
    date_to_proto(date.to_jiff())
}

fn warranty(end: Option<Date>, km: Option<i32>) -> Option<Warranty> {
    let any = end.is_some() || km.is_some();
    any.then(|| Warranty { end_date: end.map(to_proto), end_km: km.unwrap_or_default() })
}

fn insurance(insurer: String, end: Option<Date>) -> Option<Insurance> {
    end.map(|end| Insurance { insurer, end_date: Some(to_proto(end)) })
}
