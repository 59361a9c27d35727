//! Writing the cars of a batch: new ones a set at a time, those that change one by one.

use foursight_kernel::{CustomerId, Error, VehicleId, Violations, sql};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::{
    customer::{
        events::v1::{VehicleAdded, VehicleUpdated},
        v1::{ImportOutcome, Vehicle},
    },
    google::r#type::Date,
};
use jiff::Timestamp;
use prost::Message;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    customers::sealing::{DataKey, FieldKind},
    imports::{kind::Batch, outcome::RowOutcome, run::Run, worker::Stop},
    vehicles::{
        facts,
        write::{self as of_facts, Origin},
    },
};

use super::{take::Wanted, told::Told};

/// What undoing a change needs, sealed under the run's key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// Numbers of the facts that changed …
    pub(super) fields: Vec<i16>,
    /// … and what they were: a `Vehicle` with these alone.
    pub(super) was: Vec<u8>,
    /// The plate that was hung on it, and the one that hung there.
    pub(super) plate: Option<(String, String)>,
    /// Who came to own it.
    pub(super) owner: Option<Uuid>,
    /// Whether it was said when it was handed over.
    pub(super) delivered: bool,
}

/// What a row is recorded with.
pub(super) fn row(key: &DataKey, number: i64, it: &Wanted<'_>, now: Timestamp) -> Result<RowOutcome, Stop> {
    debug_assert!(it.change.reading.is_none_or(|(_, at)| at <= now));
    let reading = it.change.reading.map(|_| it.reading);
    let subject = Some(it.id.uuid());
    let Some(on_file) = &it.on_file else {
        let created = RowOutcome::created(number, Some(it.owner), Some(1));
        return Ok(RowOutcome { subject, reading, ..created });
    };
    let was = it.change.fields.iter().fold(Vehicle::default(), |mut was, field| {
        facts::take(&mut was, *field, &on_file.car);
        was
    });
    let before = Before {
        fields: it.change.fields.iter().map(|field| *field as i16).collect(),
        was: was.encode_to_vec(),
        plate: it.change.plate.clone().map(|plate| (plate, on_file.car.plate.clone())),
        owner: it.change.owner.map(|(owner, _)| owner),
        delivered: it.change.delivered.is_some(),
    };
    let before = serde_json::to_vec(&before).map_err(Error::internal)?;
    Ok(RowOutcome {
        outcome: ImportOutcome::Update,
        subject,
        reading,
        version: Some(on_file.version + 1),
        before: Some(key.seal_bytes(FieldKind::BeforeImport, &before)?),
        ..RowOutcome::unchanged(number, Some(it.owner))
    })
}

/// Writes all of it, and tells it.
pub(super) async fn write(batch: &mut Batch<'_, Told>, wanted: &[Wanted<'_>]) -> Result<(), Stop> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (run, now) = (batch.run, batch.now);
    // VINs are taken in one order, whoever writes them.
    let mut new: Vec<&Wanted<'_>> = wanted.iter().filter(|it| it.on_file.is_none()).collect();
    new.sort_unstable_by(|a, b| a.told.vin.cmp(&b.told.vin));
    creates(batch.tx, &new, now).await?;
    let mut events: Vec<NewEvent> = new.iter().map(|it| added(run, it)).collect();
    for it in wanted {
        events.extend(change(batch, it).await?);
    }
    plates(batch.tx, wanted, now).await?;
    let owned: Vec<_> = wanted.iter().filter_map(|it| Some((it, it.change.owner?))).collect();
    sqlx::query!(
        "INSERT INTO customer.vehicle_ownerships (vehicle_id, customer_id, start_time)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])",
        &column(&owned, |(it, _)| it.id.uuid()),
        &column(&owned, |(_, (owner, _))| *owner),
        &column(&owned, |(_, (_, since))| sql::at(*since)) as _,
    )
    .execute(&mut *batch.tx)
    .await?;
    readings(batch.tx, run, wanted).await?;
    let events =
        events.into_iter().map(|event| PastEvent { id: batch.ctx.ids.uuid(), at: now, event }).collect();
    Ok(foursight_messaging::outbox::append_all(batch.tx, events).await?)
}

fn added(run: &Run, it: &Wanted<'_>) -> NewEvent {
    let event = VehicleAdded {
        vehicle: it.id.name(),
        customer: CustomerId::from(it.owner).name(),
        store: run.store().name(),
    };
    NewEvent::new(&event, it.id.uuid(), 1, Some(run.store()))
}

async fn creates(tx: &mut PgConnection, new: &[&Wanted<'_>], now: Timestamp) -> Result<(), Stop> {
    if new.is_empty() {
        return Ok(());
    }
    let mut v = Violations::default();
    // What was checked already reads back.
    let mut date = |date: Option<&Date>| v.date("vehicle", date).map(sql::on);
    let (mut warranty, mut compulsory, mut commercial) = (Vec::new(), Vec::new(), Vec::new());
    let (mut inspection, mut registration) = (Vec::new(), Vec::new());
    for it in new {
        let facts = &it.told.facts;
        warranty.push(date(facts.warranty.as_ref().and_then(|it| it.end_date.as_ref())));
        compulsory.push(date(facts.compulsory_insurance.as_ref().and_then(|it| it.end_date.as_ref())));
        commercial.push(date(facts.commercial_insurance.as_ref().and_then(|it| it.end_date.as_ref())));
        inspection.push(date(facts.inspection_date.as_ref()));
        registration.push(date(facts.registration_date.as_ref()));
    }
    let facts = |it: &&Wanted<'_>| it.told.facts.clone();
    sqlx::query!(
        "INSERT INTO customer.vehicles (id, vin, model, trim, colour, deliver_time, warranty_end, warranty_km,
             compulsory_insurer, compulsory_end, commercial_insurer, commercial_end, inspection_date, registration_date,
             version, create_time, update_time)
         SELECT r.*, 1, $15, $15
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::date[], $8::integer[],
                     $9::text[], $10::date[], $11::text[], $12::date[], $13::date[], $14::date[]) AS r",
        &column(new, |it| it.id.uuid()),
        &column(new, |it| it.told.vin.clone()),
        &column(new, |it| facts(it).model),
        &column(new, |it| facts(it).trim),
        &column(new, |it| facts(it).colour),
        &column(new, |it| sql::maybe_at(it.change.delivered)) as _,
        warranty as _,
        &column(new, |it| facts(it).warranty.map(|it| it.end_km).filter(|km| *km > 0)) as _,
        &column(new, |it| facts(it).compulsory_insurance.map(|it| it.insurer).unwrap_or_default()),
        compulsory as _,
        &column(new, |it| facts(it).commercial_insurance.map(|it| it.insurer).unwrap_or_default()),
        commercial as _,
        inspection as _,
        registration as _,
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Changes a car that is on file; what is to be told of it.
async fn change(batch: &mut Batch<'_, Told>, it: &Wanted<'_>) -> Result<Option<NewEvent>, Stop> {
    let Some(on_file) = &it.on_file else { return Ok(None) };
    let (run, now, fields) = (batch.run, batch.now, &it.change.fields);
    let mut after = on_file.car.clone();
    for field in fields {
        facts::take(&mut after, *field, &it.told.facts);
    }
    let (version, opened) = of_facts::write(batch.tx, it.id, &after, now).await?;
    if !fields.is_empty() {
        let (store, source, staff) = (run.store(), run.source()?, run.creator().staff());
        let origin = Origin { store, source, staff, time: now };
        let before = (&on_file.car, opened);
        of_facts::record_facts(batch.tx, &batch.ctx.ids, it.id, (fields, before, &after), &origin).await?;
    }
    if let Some(delivered) = it.change.delivered {
        deliver_time(batch.tx, it.id, Some(delivered)).await?;
    }
    let others = [
        ("plate", it.change.plate.is_some()),
        ("owner", it.change.owner.is_some()),
        ("deliver_time", it.change.delivered.is_some()),
        ("odometer_km", it.change.reading.is_some()),
    ];
    let others = others.into_iter().filter(|(_, changes)| *changes).map(|(path, _)| path.to_owned());
    let fields = fields.iter().map(|field| field.path().to_owned()).chain(others).collect();
    Ok(Some(updated(run, it.id, version, Some(it.owner), fields)?))
}

/// That facts of a car changed.
pub(super) fn updated(
    run: &Run,
    id: VehicleId,
    version: i64,
    owner: Option<Uuid>,
    fields: Vec<String>,
) -> Result<NewEvent, Stop> {
    let event = VehicleUpdated {
        vehicle: id.name(),
        customer: owner.map(|owner| CustomerId::from(owner).name()).unwrap_or_default(),
        store: run.store().name(),
        source: run.source()?.into(),
        fields,
    };
    Ok(NewEvent::new(&event, id.uuid(), version, Some(run.store())))
}

/// Says when a car was handed over.
pub(in crate::imports) async fn deliver_time(
    tx: &mut PgConnection,
    id: VehicleId,
    at: Option<Timestamp>,
) -> Result<(), Stop> {
    sqlx::query!(
        "UPDATE customer.vehicles SET deliver_time = $2 WHERE id = $1",
        id.uuid(),
        sql::maybe_at(at) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn plates(tx: &mut PgConnection, wanted: &[Wanted<'_>], now: Timestamp) -> Result<(), Stop> {
    let mut hung: Vec<_> = wanted.iter().filter_map(|it| Some((it, it.change.plate.as_ref()?))).collect();
    if hung.is_empty() {
        return Ok(());
    }
    hung.sort_unstable_by(|a, b| a.1.cmp(b.1));
    // A new car's since its owner has it; another one from now on.
    let since = |it: &Wanted<'_>| it.change.owner.filter(|_| it.on_file.is_none()).map_or(now, |(_, at)| at);
    sqlx::query!(
        "UPDATE customer.vehicle_plates SET end_time = greatest(start_time, $2)
         WHERE vehicle_id = ANY ($1) AND end_time IS NULL",
        &column(&hung, |(it, _)| it.id.uuid()),
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO customer.vehicle_plates (vehicle_id, plate, start_time)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])",
        &column(&hung, |(it, _)| it.id.uuid()),
        &column(&hung, |(_, plate)| (*plate).clone()),
        &column(&hung, |(it, _)| sql::at(since(it))) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn readings(tx: &mut PgConnection, run: &Run, wanted: &[Wanted<'_>]) -> Result<(), Stop> {
    let read: Vec<_> = wanted.iter().filter_map(|it| Some((it, it.change.reading?))).collect();
    sqlx::query!(
        "INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
         SELECT id, subject, km, $5, at FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[]) AS r (id, subject, km, at)",
        &column(&read, |(it, _)| it.id.uuid()),
        &column(&read, |(it, _)| it.reading),
        &column(&read, |(_, (km, _))| *km),
        &column(&read, |(_, (_, at))| sql::at(*at)) as _,
        run.store_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}
