//! Taking back what rows of cars did.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, Error, VehicleId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VehicleRemoved,
    v1::{ImportOutcome, Vehicle},
};
use foursight_runtime::erasure;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    imports::{
        kind::SetBack,
        outcome::{Kept, Undone, Written},
        worker::Stop,
    },
    vehicles::{
        facts::{self, Field},
        row,
        write::{self as of_facts, Origin},
    },
};

use super::write::{self, Before};

/// Sets these rows back.
pub(super) async fn set_back(back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
    erasure::hold(&mut *back.tx).await?;
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.subject_id).collect();
    sqlx::query!("SELECT FROM customer.vehicles WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &ids)
        .execute(&mut *back.tx)
        .await?;
    let mut undone = removals(back, rows).await?;
    for row in rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Update)) {
        undone.push((row.row_number, change(back, row).await?));
    }
    Ok(undone)
}

/// Removes cars that the run brought.
async fn removals(back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
    let rows: Vec<&Written> =
        rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Create)).collect();
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.subject_id).collect();
    let readings: Vec<Uuid> = rows.iter().filter_map(|row| row.reading_id).collect();
    let cars = sqlx::query!(
        r#"SELECT v.id, v.version,
                  (SELECT o.customer_id FROM customer.vehicle_ownerships o WHERE o.vehicle_id = v.id AND o.end_time IS NULL)
                      AS "owner?",
                  (EXISTS (SELECT FROM customer.deliveries d WHERE d.vehicle_id = v.id)
                   OR EXISTS (SELECT FROM customer.visits x WHERE x.vehicle_id = v.id)
                   OR EXISTS (SELECT FROM customer.vehicle_people p WHERE p.vehicle_id = v.id)
                   OR EXISTS (SELECT FROM customer.vehicle_facts f WHERE f.vehicle_id = v.id)
                   OR EXISTS (SELECT FROM customer.plate_corrections c WHERE c.vehicle_id = v.id)
                   OR EXISTS (SELECT FROM customer.vehicle_ownerships o WHERE o.vehicle_id = v.id AND o.end_time IS NOT NULL)
                   OR EXISTS (SELECT FROM customer.odometer_readings r
                              WHERE r.vehicle_id = v.id AND r.subject_id <> ALL ($2))) AS "needed!"
           FROM customer.vehicles v WHERE v.id = ANY ($1)"#,
        &ids,
        &readings,
    )
    .fetch_all(&mut *back.tx)
    .await?;
    // Files may have been merged since: whose it is says the ownership.
    let owners: HashMap<Uuid, Uuid> = cars.iter().filter_map(|car| Some((car.id, car.owner?))).collect();
    let cars: HashMap<Uuid, (i64, bool)> =
        cars.into_iter().map(|car| (car.id, (car.version, car.needed))).collect();
    let verdict = |row: &Written| match row.subject_id.and_then(|id| cars.get(&id)) {
        None => Err(Kept::Gone),
        Some((_, true)) => Err(Kept::Needed),
        Some((version, false)) if Some(*version) != row.version => Err(Kept::Changed),
        Some(_) => Ok(()),
    };
    let gone: Vec<&&Written> = rows.iter().filter(|row| verdict(row).is_ok()).collect();
    let ids: Vec<Uuid> = gone.iter().filter_map(|row| row.subject_id).collect();
    remove_readings(back, &gone.iter().map(|row| row.row_number).collect::<Vec<_>>()).await?;
    sqlx::query!("DELETE FROM customer.vehicle_plates WHERE vehicle_id = ANY ($1)", &ids)
        .execute(&mut *back.tx)
        .await?;
    sqlx::query!("DELETE FROM customer.vehicle_ownerships WHERE vehicle_id = ANY ($1)", &ids)
        .execute(&mut *back.tx)
        .await?;
    sqlx::query!("DELETE FROM customer.vehicles WHERE id = ANY ($1)", &ids).execute(&mut *back.tx).await?;
    for row in gone {
        let Some(id) = row.subject_id else { continue };
        let Some(owner) = owners.get(&id).copied() else { continue };
        let event = VehicleRemoved {
            vehicle: VehicleId::from(id).name(),
            customer: CustomerId::from(owner).name(),
            store: back.run.store().name(),
        };
        back.events.push(NewEvent::new(&event, id, 2, Some(back.run.store())));
    }
    Ok(rows.iter().map(|row| (row.row_number, verdict(row))).collect())
}

/// Removes the readings that these rows have added.
pub(in crate::imports) async fn remove_readings(back: &mut SetBack<'_>, rows: &[i64]) -> Result<(), Stop> {
    sqlx::query!("SELECT customer.remove_imported_readings($1, $2)", back.run.id, rows)
        .execute(&mut *back.tx)
        .await?;
    Ok(())
}

/// Gives a car back what it was.
async fn change(back: &mut SetBack<'_>, row: &Written) -> Result<Result<(), Kept>, Stop> {
    let (Some(id), Some(sealed)) = (row.subject_id.map(VehicleId::from), &row.before) else {
        return Ok(Err(Kept::Gone));
    };
    let Some(car) = row::read(&mut *back.tx, &[id.uuid()]).await?.into_iter().next() else {
        return Ok(Err(Kept::Gone));
    };
    if version_of(back.tx, id).await? != row.version {
        return Ok(Err(Kept::Changed));
    }
    let before: Before = back.before(sealed)?;
    if before.owner.is_some() && is_needed(back.tx, id).await? {
        return Ok(Err(Kept::Needed));
    }
    if let Some((hung, hung_before)) = &before.plate
        && !replate(back.tx, id, hung, hung_before).await?
    {
        return Ok(Err(Kept::Changed));
    }
    let was = Vehicle::decode(before.was.as_slice()).map_err(Error::internal)?;
    let fields: Vec<Field> = before.fields.iter().filter_map(|number| Field::of_number(*number)).collect();
    let mut after = car.clone();
    for field in &fields {
        facts::take(&mut after, *field, &was);
    }
    let now = back.ctx.now();
    let (version, opened) = of_facts::write(back.tx, id, &after, now).await?;
    if !fields.is_empty() {
        let (store, source, staff) = (back.run.store(), back.run.source()?, back.run.creator().staff());
        let origin = Origin { store, source, staff, time: now };
        let told = (fields.as_slice(), (&car, opened), &after);
        of_facts::record_facts(back.tx, &back.ctx.ids, id, told, &origin).await?;
    }
    if before.delivered {
        write::deliver_time(back.tx, id, None).await?;
    }
    if before.owner.is_some() {
        sqlx::query!(
            "DELETE FROM customer.vehicle_ownerships WHERE vehicle_id = $1 AND end_time IS NULL",
            id.uuid()
        )
        .execute(&mut *back.tx)
        .await?;
    }
    remove_readings(back, &[row.row_number]).await?;
    let fields = fields.iter().map(|field| field.path().to_owned()).collect();
    let event = write::updated(back.run, id, version, row.customer_id, fields)?;
    back.events.push(event);
    Ok(Ok(()))
}

async fn version_of(tx: &mut PgConnection, id: VehicleId) -> Result<Option<i64>, Stop> {
    let version = sqlx::query_scalar!("SELECT version FROM customer.vehicles WHERE id = $1", id.uuid());
    Ok(version.fetch_optional(tx).await?)
}

/// Whether somebody has dealt with a car since it has an owner again.
async fn is_needed(tx: &mut PgConnection, id: VehicleId) -> Result<bool, Stop> {
    let needed = sqlx::query_scalar!(
        r#"SELECT (EXISTS (SELECT FROM customer.visits x
                           JOIN customer.vehicle_ownerships o ON o.vehicle_id = x.vehicle_id AND o.end_time IS NULL
                           WHERE x.vehicle_id = $1 AND x.customer_id = o.customer_id)
                   OR EXISTS (SELECT FROM customer.vehicle_people p WHERE p.vehicle_id = $1 AND p.end_time IS NULL)) AS "needed!""#,
        id.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(needed)
}

/// Hangs the plate back that hung on the car before; nothing is done when that hangs on another car by now.
async fn replate(tx: &mut PgConnection, id: VehicleId, hung: &str, before: &str) -> Result<bool, Stop> {
    let elsewhere = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer.vehicle_plates
                          WHERE plate = $2 AND end_time IS NULL AND vehicle_id <> $1) AS "elsewhere!""#,
        id.uuid(),
        before,
    )
    .fetch_one(&mut *tx)
    .await?;
    if elsewhere {
        return Ok(false);
    }
    sqlx::query!(
        "DELETE FROM customer.vehicle_plates WHERE vehicle_id = $1 AND plate = $2 AND end_time IS NULL",
        id.uuid(),
        hung,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE customer.vehicle_plates p SET end_time = NULL
         WHERE p.vehicle_id = $1 AND p.plate = $2
           AND p.start_time = (SELECT max(l.start_time) FROM customer.vehicle_plates l WHERE l.vehicle_id = $1 AND l.plate = $2)",
        id.uuid(),
        before,
    )
    .execute(tx)
    .await?;
    Ok(true)
}
