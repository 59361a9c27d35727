//! Writing the facts of a car that changed.

use foursight_kernel::{Ids, Result, StaffId, StoreId, VehicleId, Violations, sql};
use foursight_proto::{
    customer::v1::{SourceChannel, Vehicle},
    google::r#type::Date,
};
use jiff::Timestamp;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::vehicles::{
    VehicleError,
    facts::{self, Field},
};

/// Where and when a change was told, and by whom.
pub(crate) struct Origin {
    pub(crate) store: StoreId,
    pub(crate) source: SourceChannel,
    pub(crate) staff: Option<StaffId>,
    pub(crate) time: Timestamp,
}

/// Writes the car as it is now. Gives its new version, and when its file was opened.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`; `UNAVAILABLE` while the database is away.
pub(crate) async fn write(
    tx: &mut PgConnection,
    id: VehicleId,
    it: &Vehicle,
    now: Timestamp,
) -> Result<(i64, sql::Timestamp)> {
    let mut v = Violations::default();
    // What was read from the database or checked already reads back.
    let mut date = |date: Option<&Date>| v.date("vehicle", date).map(sql::on);
    let (compulsory, commercial) = (it.compulsory_insurance.as_ref(), it.commercial_insurance.as_ref());
    let row = sqlx::query!(
        r#"UPDATE customer.vehicles
           SET model = $2, trim = $3, colour = $4, warranty_end = $5, warranty_km = $6, compulsory_insurer = $7,
               compulsory_end = $8, commercial_insurer = $9, commercial_end = $10, inspection_date = $11,
               registration_date = $12, version = version + 1, update_time = $13
           WHERE id = $1 RETURNING version, create_time"#,
        id.uuid(),
        it.model,
        it.trim,
        it.colour,
        date(it.warranty.as_ref().and_then(|it| it.end_date.as_ref())) as _,
        it.warranty.map(|it| it.end_km).filter(|km| *km > 0),
        compulsory.map_or("", |it| &it.insurer),
        date(compulsory.and_then(|it| it.end_date.as_ref())) as _,
        commercial.map_or("", |it| &it.insurer),
        date(commercial.and_then(|it| it.end_date.as_ref())) as _,
        date(it.inspection_date.as_ref()) as _,
        date(it.registration_date.as_ref()) as _,
        sql::at(now) as _,
    )
    .fetch_optional(tx)
    .await?
    .ok_or(VehicleError::NotFound)?;
    Ok((row.version, row.create_time))
}

/// Of each field what it is now; and what it was, where the hand-over is all that is known of it.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn record_facts(
    tx: &mut PgConnection,
    ids: &Ids,
    id: VehicleId,
    (fields, (before, opened), after): (&[Field], (&Vehicle, sql::Timestamp), &Vehicle),
    it: &Origin,
) -> Result<()> {
    // Ids of one instant come in no order: what was comes before what is.
    let mut fresh: Vec<Uuid> = fields.iter().chain(fields).map(|_| ids.uuid()).collect();
    fresh.sort_unstable();
    let (ids_before, ids_after) = fresh.split_at(fields.len());
    let values = |vehicle: &Vehicle| -> Vec<Option<Vec<u8>>> {
        let value =
            |field: &Field| facts::has(vehicle, *field).then(|| facts::only(vehicle, *field).encode_to_vec());
        fields.iter().map(value).collect()
    };
    let numbers: Vec<i16> = fields.iter().map(|field| *field as i16).collect();
    sqlx::query!(
        "INSERT INTO customer.vehicle_facts (id, vehicle_id, field, value, source, store_id, staff_id, learn_time)
         SELECT w.id, $1, w.field, w.value, NULL::smallint, NULL::uuid, NULL::uuid, $5::timestamptz
         FROM unnest($2::uuid[], $3::smallint[], $4::bytea[]) AS w (id, field, value)
         WHERE w.value IS NOT NULL
           AND NOT EXISTS (SELECT FROM customer.vehicle_facts f WHERE f.vehicle_id = $1 AND f.field = w.field)
         UNION ALL
         SELECT i.id, $1, i.field, i.value, $8::smallint, $9::uuid, $10::uuid, $11::timestamptz
         FROM unnest($6::uuid[], $3::smallint[], $7::bytea[]) AS i (id, field, value)",
        id.uuid(),
        ids_before,
        &numbers,
        &values(before) as _,
        opened as _,
        ids_after,
        &values(after) as _,
        sql::number(it.source),
        it.store.uuid(),
        it.staff.map(StaffId::uuid),
        sql::at(it.time) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
