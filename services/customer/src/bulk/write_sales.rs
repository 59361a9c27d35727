//! Receptions, leads, deliveries and visits, a set at a time.

use anyhow::{Context, Result};
use foursight_kernel::{CustomerId, LeadId, StaffId, StoreId, sql};
use foursight_proto::customer::v1::VisitState;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::{Batch, DeliveryRow, LeadRow, ReceptionRow, VisitRow, events, write::column},
    vehicles::{plate, vin},
};

pub(super) async fn receptions(tx: &mut PgConnection, rows: &[ReceptionRow]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO customer.receptions
             (id, store_id, kind, customer_id, intended_model, contact_left, recorder, create_time)
         SELECT id, store, kind, customer, model, customer IS NOT NULL, recorder, at
         FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[])
              AS r (id, store, kind, customer, model, recorder, at)",
        &column(rows, |row| row.id.uuid()),
        &column(rows, |row| row.store.uuid()),
        &column(rows, |row| sql::number(row.kind)),
        &column(rows, |row| row.customer.map(CustomerId::uuid)) as _,
        &column(rows, |row| row.intended_model.clone()),
        &column(rows, |row| row.recorder.map(StaffId::uuid)) as _,
        &column(rows, |row| sql::at(row.create_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn leads(tx: &mut PgConnection, rows: &[LeadRow]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO customer.leads (id, customer_id, store_id, source, intended_model, grade, state, owner_id,
             next_follow_up_time, version, create_time, update_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::smallint[],
             $7::smallint[], $8::uuid[], $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::timestamptz[])",
        &column(rows, |row| row.id.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| row.store.uuid()),
        &column(rows, |row| sql::number(row.source)),
        &column(rows, |row| row.intended_model.clone()),
        &column(rows, |row| row.grade.map_or(0, sql::number)),
        &column(rows, |row| sql::number(row.state)),
        &column(rows, |row| row.owner.uuid()),
        &column(rows, |row| sql::maybe_at(row.next_follow_up_time)) as _,
        &column(rows, |row| events::lead_version(row.state)),
        &column(rows, |row| sql::at(row.create_time)) as _,
        &column(rows, |row| sql::at(row.update_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn deliveries(tx: &mut PgConnection, rows: &[DeliveryRow]) -> Result<()> {
    let (mut vins, mut plates) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in rows {
        vins.push(vin::normalize(&row.vin).with_context(|| format!("the VIN of {}", row.id.name()))?);
        let plate = row.plate.as_deref().map(plate::normalize).transpose();
        plates.push(plate.with_context(|| format!("the plate of {}", row.id.name()))?);
    }
    sqlx::query!(
        "INSERT INTO customer.deliveries (id, customer_id, store_id, lead_id, vehicle_id, vin, plate, model, trim, colour,
             odometer_km, advisor_id, deliver_time, create_time)
         SELECT id, customer, store, lead, vehicle, vin, plate, model, trim, colour, odometer, advisor, at, at
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::integer[], $12::uuid[], $13::timestamptz[])
              AS r (id, customer, store, lead, vehicle, vin, plate, model, trim, colour, odometer, advisor, at)",
        &column(rows, |row| row.id.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| row.store.uuid()),
        &column(rows, |row| row.lead.map(LeadId::uuid)) as _,
        &column(rows, |row| row.vehicle.uuid()),
        &vins,
        &plates as _,
        &column(rows, |row| row.model.clone()),
        &column(rows, |row| row.trim.clone()),
        &column(rows, |row| row.colour.clone()),
        &column(rows, |row| row.odometer_km),
        &column(rows, |row| row.advisor.uuid()),
        &column(rows, |row| sql::at(row.deliver_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn visits(tx: &mut PgConnection, rows: &[VisitRow]) -> Result<()> {
    let state = |row: &VisitRow| match row.hand_over_time {
        Some(_) => VisitState::HandedOver,
        None => VisitState::InWorkshop,
    };
    sqlx::query!(
        "INSERT INTO customer.visits (id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id,
             promise_time, check_in_time, hand_over_time, amount_fen, version)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::smallint[],
             $7::integer[], $8::uuid[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::bigint[],
             $13::bigint[])",
        &column(rows, |row| row.id.uuid()),
        &column(rows, |row| row.store.uuid()),
        &column(rows, |row| row.vehicle.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::number(row.kind)),
        &column(rows, |row| sql::number(state(row))),
        &column(rows, |row| row.odometer_km),
        &column(rows, |row| row.advisor.uuid()),
        &column(rows, |row| sql::maybe_at(row.promise_time)) as _,
        &column(rows, |row| sql::at(row.check_in_time)) as _,
        &column(rows, |row| sql::maybe_at(row.hand_over_time)) as _,
        &column(rows, |row| row.amount_fen) as _,
        &column(rows, |row| i64::from(sql::number(state(row)))),
    )
    .execute(tx)
    .await?;
    Ok(())
}

struct Reading {
    vehicle: Uuid,
    subject: Uuid,
    odometer_km: i32,
    store: StoreId,
    at: Timestamp,
}

/// One for each delivery and visit.
pub(super) async fn odometer_readings(tx: &mut PgConnection, batch: &Batch) -> Result<()> {
    let deliveries = batch.deliveries.iter().map(|row| Reading {
        vehicle: row.vehicle.uuid(),
        subject: row.id.uuid(),
        odometer_km: row.odometer_km,
        store: row.store,
        at: row.deliver_time,
    });
    let visits = batch.visits.iter().map(|row| Reading {
        vehicle: row.vehicle.uuid(),
        subject: row.id.uuid(),
        odometer_km: row.odometer_km,
        store: row.store,
        at: row.check_in_time,
    });
    let rows: Vec<Reading> = deliveries.chain(visits).collect();
    sqlx::query!(
        "INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::timestamptz[])",
        &column(&rows, |row| row.vehicle),
        &column(&rows, |row| row.subject),
        &column(&rows, |row| row.odometer_km),
        &column(&rows, |row| row.store.uuid()),
        &column(&rows, |row| sql::at(row.at)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
