//! Files, consents and cars, a set at a time.

use anyhow::{Context, Result};
use foursight_kernel::{StaffId, sql};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::{Batch, ConsentRow, events::Versions, seal::Sealed},
    customers::{LunarBirthday, search},
    vehicles::{plate, vin},
};

/// One column of many rows.
pub(crate) fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

pub(crate) async fn customers(tx: &mut PgConnection, rows: &[Sealed], versions: &Versions) -> Result<()> {
    let lunar = lunar(rows);
    sqlx::query!(
        "INSERT INTO customer.customers (id, kind, display_name, search_name, gender, birthday, national_id_sealed,
             national_id_hash, store_id, source, stage, version, create_time, update_time,
             lunar_year, lunar_month, lunar_leap, lunar_day, occupation, intended_models)
         SELECT id, kind, name, search, gender, birthday, sealed, hash, store, source, stage, version, at, at,
                lunar_year, lunar_month, lunar_leap, lunar_day, occupation, coalesce(string_to_array(models, E'\n'), '{}')
         FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::smallint[], $6::date[], $7::bytea[],
                     $8::bytea[], $9::uuid[], $10::smallint[], $11::smallint[], $12::bigint[], $13::timestamptz[],
                     $14::smallint[], $15::smallint[], $16::boolean[], $17::smallint[], $18::text[], $19::text[])
              AS r (id, kind, name, search, gender, birthday, sealed, hash, store, source, stage, version, at,
                    lunar_year, lunar_month, lunar_leap, lunar_day, occupation, models)",
        &column(rows, |row| row.file.id.uuid()),
        &column(rows, |row| sql::number(row.file.facts.kind)),
        &column(rows, |row| row.file.facts.display_name.clone()),
        &column(rows, |row| search::fold(&row.file.facts.display_name)),
        &column(rows, |row| sql::number(row.file.facts.gender)),
        &column(rows, |row| row.file.facts.birthday.map(sql::on)) as _,
        &column(rows, |row| row.file.national_id.as_ref().map(|(sealed, _)| sealed.clone())) as _,
        &column(rows, |row| row.file.national_id.as_ref().map(|(_, hash)| hash.clone())) as _,
        &column(rows, |row| row.file.facts.store.uuid()),
        &column(rows, |row| sql::number(row.file.facts.source)),
        &column(rows, |row| sql::number(row.stage)),
        &column(rows, |row| versions.of(row.file.id)),
        &column(rows, |row| sql::at(row.create_time)) as _,
        &lunar.0 as _,
        &lunar.1 as _,
        &lunar.2 as _,
        &lunar.3 as _,
        &column(rows, |row| row.file.facts.profile.occupation.clone()),
        // Models are lines: none has a line break.
        &column(rows, |row| row.file.facts.profile.intended_models.join("\n")),
    )
    .execute(&mut *tx)
    .await?;
    stores(tx, rows).await?;
    sqlx::query!(
        "INSERT INTO customer.customer_keys (customer_id, master_version, wrapped)
         SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bytea[])",
        &column(rows, |row| row.file.id.uuid()),
        &column(rows, |row| row.file.key.master_version),
        &column(rows, |row| row.file.key.wrapped.clone()),
    )
    .execute(&mut *tx)
    .await?;
    contact_points(tx, rows).await
}

/// Lunar birthdays by column.
type Lunar = (Vec<Option<i16>>, Vec<Option<i16>>, Vec<Option<bool>>, Vec<Option<i16>>);

fn lunar(rows: &[Sealed]) -> Lunar {
    let mut lunar = Lunar::default();
    for row in rows {
        let (year, month, leap, day) = LunarBirthday::columns(row.file.facts.lunar_birthday);
        lunar.0.push(year);
        lunar.1.push(month);
        lunar.2.push(leap);
        lunar.3.push(day);
    }
    lunar
}

async fn stores(tx: &mut PgConnection, rows: &[Sealed]) -> Result<()> {
    let links: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            std::iter::once(row.file.facts.store)
                .chain(row.other_stores.iter().copied().filter(|other| *other != row.file.facts.store))
                .map(move |store| {
                    let opened = store == row.file.facts.store;
                    (row.file.id.uuid(), store.uuid(), row.create_time, opened)
                })
        })
        .collect();
    sqlx::query!(
        "INSERT INTO customer.customer_stores (customer_id, store_id, start_time, opened)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::boolean[])",
        &column(&links, |link| link.0),
        &column(&links, |link| link.1),
        &column(&links, |link| sql::at(link.2)) as _,
        &column(&links, |link| link.3),
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn contact_points(tx: &mut PgConnection, rows: &[Sealed]) -> Result<()> {
    let mut points: Vec<_> =
        rows.iter().flat_map(|row| row.file.points.iter().map(move |point| (row, point))).collect();
    // Who writes the same phones takes them in the same order.
    points.sort_unstable_by(|(_, a), (_, b)| a.hash.cmp(&b.hash));
    sqlx::query!(
        "INSERT INTO customer.contact_points
             (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bytea[], $5::bytea[], $6::bytea[],
                              $7::boolean[], $8::smallint[], $9::uuid[], $10::timestamptz[])",
        &column(&points, |(row, _)| row.file.id.uuid()),
        &column(&points, |(_, point)| point.id.uuid()),
        &column(&points, |(_, point)| point.kind),
        &column(&points, |(_, point)| point.sealed.clone()),
        &column(&points, |(_, point)| point.hash.clone()) as _,
        &column(&points, |(_, point)| point.tail_hash.clone()) as _,
        &column(&points, |(_, point)| point.exclusive),
        &column(&points, |(row, _)| sql::number(row.file.facts.source)),
        &column(&points, |(row, _)| row.file.facts.store.uuid()),
        &column(&points, |(row, _)| sql::at(row.create_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn consents(tx: &mut PgConnection, rows: &[ConsentRow]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO customer.consents (id, customer_id, purpose, contact_kind, state, method, wording_version, recorder,
             version, create_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[],
                              $7::text[], $8::uuid[], $9::bigint[], $10::timestamptz[])",
        &column(rows, |row| row.id.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::number(row.purpose)),
        &column(rows, |row| sql::number(row.contact_kind)),
        &column(rows, |row| sql::number(row.state)),
        &column(rows, |row| row.method.clone()),
        &column(rows, |row| row.wording_version.clone()),
        &column(rows, |row| row.recorder.map(StaffId::uuid)) as _,
        &Versions::of_consents(rows),
        &column(rows, |row| sql::at(row.create_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn vehicles(tx: &mut PgConnection, batch: &Batch) -> Result<()> {
    let rows = &batch.vehicles;
    let vins = rows
        .iter()
        .map(|row| vin::normalize(&row.vin).with_context(|| format!("the VIN of {}", row.id.name())))
        .collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "INSERT INTO customer.vehicles (id, vin, model, trim, colour, deliver_time, version, create_time, update_time)
         SELECT id, vin, model, trim, colour, delivered, 1, at, at
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
              AS r (id, vin, model, trim, colour, delivered, at)",
        &column(rows, |row| row.id.uuid()),
        &vins,
        &column(rows, |row| row.model.clone()),
        &column(rows, |row| row.trim.clone()),
        &column(rows, |row| row.colour.clone()),
        &column(rows, |row| sql::maybe_at(row.deliver_time)) as _,
        &column(rows, |row| sql::at(row.create_time)) as _,
    )
    .execute(&mut *tx)
    .await?;
    let rows = &batch.ownerships;
    sqlx::query!(
        "INSERT INTO customer.vehicle_ownerships (vehicle_id, customer_id, start_time, end_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])",
        &column(rows, |row| row.vehicle.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::at(row.start_time)) as _,
        &column(rows, |row| sql::maybe_at(row.end_time)) as _,
    )
    .execute(&mut *tx)
    .await?;
    let rows = &batch.plates;
    let plates = rows
        .iter()
        .map(|row| plate::normalize(&row.plate).with_context(|| format!("a plate of {}", row.vehicle.name())))
        .collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "INSERT INTO customer.vehicle_plates (vehicle_id, plate, start_time, end_time)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])",
        &column(rows, |row| row.vehicle.uuid()) as &[Uuid],
        &plates,
        &column(rows, |row| sql::at(row.start_time)) as _,
        &column(rows, |row| sql::maybe_at(row.end_time)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
