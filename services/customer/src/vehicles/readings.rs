//! What a car's odometer showed over time, with what was corrected and why.

use foursight_kernel::{
    Result, StaffId, StoreId, VehicleId,
    sql::{self, Timestamp},
    time,
};
use foursight_proto::customer::v1::{OdometerCorrection, OdometerCorrectionReason, OdometerReading};
use sqlx::PgConnection;
use uuid::Uuid;

/// One reading as it stands in the database.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// The delivery, the visit or the correction at which it was read.
    pub(super) subject_id: Uuid,
    pub(super) odometer_km: i32,
    store_id: Uuid,
    pub(super) read_time: Timestamp,
    /// Why it was written, when it stands instead of another one.
    instead: Option<i16>,
    reason: Option<i16>,
    note: Option<String>,
    staff_id: Option<Uuid>,
    corrector_store_id: Option<Uuid>,
    correct_time: Option<Timestamp>,
    corrected_km: Option<i32>,
}

/// The readings of a car that the transaction's caller may see, newest first.
pub(super) async fn of(tx: &mut PgConnection, vehicle: VehicleId) -> Result<Vec<Reading>> {
    page(tx, vehicle, None, None).await
}

/// So many of them after one, all without a limit.
pub(super) async fn page(
    tx: &mut PgConnection,
    vehicle: VehicleId,
    after: Option<(jiff::Timestamp, i64, Uuid)>,
    most: Option<i64>,
) -> Result<Vec<Reading>> {
    let readings = sqlx::query_as!(
        Reading,
        r#"SELECT r.subject_id, r.odometer_km, r.store_id, r.read_time, made.reason AS "instead?", c.reason AS "reason?",
                  c.note AS "note?", c.staff_id AS "staff_id?", c.store_id AS "corrector_store_id?",
                  c.correct_time AS "correct_time?", n.odometer_km AS "corrected_km?"
           FROM customer.odometer_readings r
           LEFT JOIN customer.odometer_corrections c ON c.vehicle_id = r.vehicle_id AND c.corrected_id = r.subject_id
           LEFT JOIN customer.odometer_readings n ON n.vehicle_id = r.vehicle_id AND n.subject_id = c.id
           LEFT JOIN customer.odometer_corrections made ON made.id = r.subject_id
           WHERE r.vehicle_id = $1
             AND ($2::timestamptz IS NULL OR (r.read_time, r.odometer_km, r.subject_id) < ($2, $3::bigint, $4::uuid))
           ORDER BY r.read_time DESC, r.odometer_km DESC, r.subject_id DESC LIMIT $5"#,
        vehicle.uuid(),
        sql::maybe_at(after.map(|(time, ..)| time)) as _,
        after.map(|(_, km, _)| km),
        after.map(|(.., subject)| subject),
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(readings)
}

impl Reading {
    /// Its place among the readings of its car.
    pub(super) fn place(&self) -> (jiff::Timestamp, i64, Uuid) {
        (self.read_time.to_jiff(), self.odometer_km.into(), self.subject_id)
    }

    /// Whether nobody has corrected it.
    pub(super) fn counts(&self) -> bool {
        self.reason.is_none()
    }

    /// Whether it is the first of a new instrument cluster, so that it may be below the one before.
    pub(super) fn begins_anew(&self) -> bool {
        self.instead.map(i32::from) == Some(OdometerCorrectionReason::ClusterReplaced as i32)
    }

    pub(super) fn into_proto(self) -> OdometerReading {
        let name = |id: Option<Uuid>| id.map(|id| StoreId::from(id).name()).unwrap_or_default();
        let correction = self.reason.map(|reason| OdometerCorrection {
            reason: reason.into(),
            note: self.note.unwrap_or_default(),
            staff: self.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
            store: name(self.corrector_store_id),
            correct_time: self.correct_time.map(|at| time::to_proto(at.to_jiff())),
            odometer_km: self.corrected_km.unwrap_or_default(),
        });
        OdometerReading {
            odometer_km: self.odometer_km,
            store: StoreId::from(self.store_id).name(),
            read_time: Some(time::to_proto(self.read_time.to_jiff())),
            correction,
        }
    }
}

#[cfg(test)]
impl Reading {
    /// Of this many kilometres at this day, which counts.
    pub(super) fn sample(odometer_km: i32, day: i64, begins_anew: bool) -> Self {
        let at = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * day);
        Self {
            subject_id: Uuid::from_u128(u128::from(odometer_km.unsigned_abs())),
            odometer_km,
            store_id: Uuid::nil(),
            read_time: foursight_kernel::sql::at(at),
            instead: begins_anew.then_some(2),
            reason: None,
            note: None,
            staff_id: None,
            corrector_store_id: None,
            correct_time: None,
            corrected_km: None,
        }
    }
}
