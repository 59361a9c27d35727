//! Files that change, a set at a time: as `customers/on_file.rs` does with one.

use foursight_kernel::{StaffId, sql};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    customers::{LunarBirthday, search},
    imports::{run::Run, worker::Stop},
};

use super::change::{Change, Kept};

/// Writes what changes.
pub(super) async fn changes(
    tx: &mut PgConnection,
    run: &Run,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), Stop> {
    if changes.is_empty() {
        return Ok(());
    }
    links(tx, run, changes, now).await?;
    let mut counting: Vec<&Change> = changes.iter().filter(|change| change.counts()).collect();
    // Id numbers are taken in one order, whoever writes them.
    counting.sort_unstable_by(|a, b| {
        a.national_id.as_ref().map(|it| &it.1).cmp(&b.national_id.as_ref().map(|it| &it.1))
    });
    files(tx, &counting, now).await?;
    facts(tx, run, &counting, now).await?;
    points(tx, run, &counting, now).await
}

async fn links(tx: &mut PgConnection, run: &Run, changes: &[Change], now: Timestamp) -> Result<(), Stop> {
    let ids: Vec<Uuid> =
        changes.iter().filter(|change| change.link).map(|change| change.file.id.uuid()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO customer.customer_stores (customer_id, store_id, start_time) SELECT id, $2, $3 FROM unnest($1::uuid[]) AS t (id)
         ON CONFLICT DO NOTHING",
        &ids,
        run.store_id,
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn files(tx: &mut PgConnection, changes: &[&Change], now: Timestamp) -> Result<(), Stop> {
    let lunar = |change: &&Change| LunarBirthday::columns(change.facts.lunar_birthday);
    sqlx::query!(
        "UPDATE customer.customers c
         SET display_name = r.name, search_name = r.search, gender = r.gender, birthday = r.birthday, lunar_year = r.lunar_year,
             lunar_month = r.lunar_month, lunar_leap = r.lunar_leap, lunar_day = r.lunar_day, national_id_sealed = r.sealed,
             national_id_hash = r.hash, occupation = r.occupation,
             intended_models = coalesce(string_to_array(r.models, E'\\n'), '{}'), version = c.version + 1, update_time = $14
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::date[], $6::smallint[], $7::smallint[],
                     $8::boolean[], $9::smallint[], $10::bytea[], $11::bytea[], $12::text[], $13::text[])
              AS r (id, name, search, gender, birthday, lunar_year, lunar_month, lunar_leap, lunar_day, sealed, hash,
                    occupation, models)
         WHERE c.id = r.id",
        &column(changes, |change| change.file.id.uuid()),
        &column(changes, |change| change.facts.display_name.clone()),
        &column(changes, |change| search::fold(&change.facts.display_name)),
        &column(changes, |change| sql::number(change.facts.gender)),
        &column(changes, |change| change.facts.birthday.map(sql::on)) as _,
        &column(changes, |change| lunar(change).0) as _,
        &column(changes, |change| lunar(change).1) as _,
        &column(changes, |change| lunar(change).2) as _,
        &column(changes, |change| lunar(change).3) as _,
        &column(changes, |change| change.national_id.as_ref().map(|it| it.0.clone())) as _,
        &column(changes, |change| change.national_id.as_ref().map(|it| it.1.clone())) as _,
        &column(changes, |change| change.facts.profile.occupation.clone()),
        &column(changes, |change| change.facts.profile.intended_models.join("\n")),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn facts(tx: &mut PgConnection, run: &Run, changes: &[&Change], now: Timestamp) -> Result<(), Stop> {
    let kept: Vec<(&Change, &Kept)> =
        changes.iter().flat_map(|change| change.kept.iter().map(move |kept| (*change, kept))).collect();
    if kept.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO customer.facts (id, customer_id, field, sealed, source, store_id, staff_id, learn_time)
         SELECT w.id, w.customer, w.field, w.sealed, w.source, w.store, NULL::uuid, w.at
         FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bytea[], $5::smallint[], $6::uuid[], $7::timestamptz[])
              AS w (id, customer, field, sealed, source, store, at)
         WHERE w.sealed IS NOT NULL
           AND NOT EXISTS (SELECT FROM customer.facts f WHERE f.customer_id = w.customer AND f.field = w.field)
         UNION ALL
         SELECT i.id, i.customer, i.field, i.sealed, i.source, $11::uuid, $12::uuid, $13::timestamptz
         FROM unnest($8::uuid[], $2::uuid[], $3::smallint[], $9::bytea[], $10::smallint[]) AS i (id, customer, field, sealed, source)",
        &column(&kept, |(_, fact)| fact.ids[0]),
        &column(&kept, |(change, _)| change.file.id.uuid()),
        &column(&kept, |(_, fact)| fact.field as i16),
        &column(&kept, |(_, fact)| fact.was.clone()) as _,
        &column(&kept, |(change, _)| change.file.opened.source),
        &column(&kept, |(change, _)| change.file.opened.store),
        &column(&kept, |(change, _)| sql::at(change.file.opened.time.to_jiff())) as _,
        &column(&kept, |(_, fact)| fact.ids[1]),
        &column(&kept, |(_, fact)| fact.is.clone()) as _,
        &column(&kept, |(change, _)| sql::number(change.told.file.source)),
        run.store_id,
        run.creator().staff().map(StaffId::uuid),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn points(tx: &mut PgConnection, run: &Run, changes: &[&Change], now: Timestamp) -> Result<(), Stop> {
    let mut points: Vec<_> =
        changes.iter().flat_map(|change| change.points.iter().map(move |point| (*change, point))).collect();
    if points.is_empty() {
        return Ok(());
    }
    // Who writes the same phones takes them in the same order.
    points.sort_unstable_by(|(_, a), (_, b)| a.hash.cmp(&b.hash));
    sqlx::query!(
        "INSERT INTO customer.contact_points
             (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
         SELECT customer, id, kind, sealed, hash, tail, exclusive, source, $9, $10
         FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bytea[], $5::bytea[], $6::bytea[], $7::boolean[], $8::smallint[])
              AS p (customer, id, kind, sealed, hash, tail, exclusive, source)",
        &column(&points, |(change, _)| change.file.id.uuid()),
        &column(&points, |(_, point)| point.id.uuid()),
        &column(&points, |(_, point)| point.kind),
        &column(&points, |(_, point)| point.sealed.clone()),
        &column(&points, |(_, point)| point.hash.clone()) as _,
        &column(&points, |(_, point)| point.tail_hash.clone()) as _,
        &column(&points, |(_, point)| point.exclusive),
        &column(&points, |(change, _)| sql::number(change.told.file.source)),
        run.store_id,
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
