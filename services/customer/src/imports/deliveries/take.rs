//! A batch of rows of deliveries: looked up, decided, written.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, DeliveryId, Error, StaffId, sql, time};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::VehicleDelivered, v1::ImportOutcome};
use foursight_runtime::erasure;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    customers::{sealing::FieldKind, stage::Dealing},
    imports::{
        history::{self, Before},
        kind::{Batch, Outright, Taken},
        outcome::{Outcomes, RowOutcome},
        owner::{self, Owners},
        reading::begin_of,
        reason::{Code, Reason},
        run::Run,
        vehicles::{
            fields::{ODOMETER_KM, VIN},
            on_file::{self, OnFile},
            write,
        },
        worker::Stop,
    },
    visits::odometer::{self, Shown},
};

use super::told::Told;

/// A delivery that is on file.
struct Known {
    customer: Uuid,
    at: Timestamp,
    odometer_km: i32,
}

/// What is to be written.
struct New<'a> {
    told: &'a Told,
    id: DeliveryId,
    car: OnFile,
    owner: Uuid,
    at: Timestamp,
}

enum Fate<'a> {
    New(Box<New<'a>>),
    Unchanged(Uuid),
    Wrong(Reason),
    Conflict(Reason, Option<Uuid>),
}

/// Takes these rows.
pub(super) async fn take(batch: &mut Batch<'_, Told>) -> Result<Taken, Stop> {
    // Whoever is erased now is erased before, or finds what is written here.
    erasure::hold(&mut *batch.tx).await?;
    let lines = batch.lines;
    let told = || lines.iter().filter_map(|line| line.said.as_ref().ok());
    let vins: Vec<String> = told().map(|told| told.vin.clone()).collect();
    let owners = Owners::find(batch.tx, batch.run, told().filter_map(|told| told.owner.as_ref())).await?;
    let mut cars = on_file::read(batch.tx, batch.run, &vins, &[]).await?;
    let known = known(batch.tx, &cars.by_vin.values().map(|car| car.id.uuid()).collect::<Vec<_>>()).await?;
    let (mut outcomes, mut all) = (Outcomes::default(), Vec::new());
    for line in lines {
        match batch.outright(line) {
            Some(Outright::Refused(row)) => outcomes.push(row),
            Some(Outright::As(twin)) => outcomes.push_as(line.number, twin),
            None => {
                let Ok(told) = &line.said else { continue };
                let car = cars.by_vin.remove(&told.vin);
                let id = batch.ctx.ids.next();
                match decide(told, car, told.owner.as_ref().map(|owner| owners.of(owner)), &known, id) {
                    Fate::New(new) if batch.run.dry_run => {
                        outcomes.push(RowOutcome::created(line.number, Some(new.owner), None));
                    }
                    Fate::New(new) => {
                        outcomes.push(write_one(batch, line.number, &new).await?);
                        all.push(new);
                    }
                    Fate::Unchanged(owner) => outcomes.push(RowOutcome::unchanged(line.number, Some(owner))),
                    Fate::Wrong(reason) => outcomes.push(RowOutcome::error(line.number, &[reason])),
                    Fate::Conflict(reason, seen) => {
                        outcomes.push(RowOutcome::conflict(line.number, &[reason], seen));
                    }
                }
            }
        }
    }
    write_all(batch.tx, batch.run, &all, batch.now).await?;
    let events = all.iter().map(|new| (new.at, delivered(batch.run, new))).collect();
    history::tell(batch.tx, batch.ctx, events).await?;
    Ok(Taken { outcomes: outcomes.into_rows(), tried: Vec::new() })
}

async fn known(tx: &mut PgConnection, cars: &[Uuid]) -> Result<HashMap<Uuid, Vec<Known>>, Stop> {
    let rows = sqlx::query!(
        r#"SELECT vehicle_id, customer_id, deliver_time AS "deliver_time: sql::Timestamp", odometer_km
           FROM customer.deliveries WHERE vehicle_id = ANY ($1)"#,
        cars,
    )
    .fetch_all(tx)
    .await?;
    let mut known: HashMap<Uuid, Vec<Known>> = HashMap::new();
    for row in rows {
        let at = row.deliver_time.to_jiff();
        let one = Known { customer: row.customer_id, at, odometer_km: row.odometer_km };
        known.entry(row.vehicle_id).or_default().push(one);
    }
    Ok(known)
}

/// What becomes of a row: a car is handed over to a customer once, and what is on record about that stays as it is.
fn decide<'a>(
    told: &'a Told,
    car: Option<OnFile>,
    owner: Option<Result<Uuid, (Reason, Option<Uuid>)>>,
    known: &HashMap<Uuid, Vec<Known>>,
    id: DeliveryId,
) -> Fate<'a> {
    let owner = match owner.transpose() {
        Ok(owner) => owner,
        Err((reason, _)) if owner::is_unknown(&reason) => return Fate::Wrong(reason),
        Err((reason, seen)) => return Fate::Conflict(reason, seen),
    };
    let Some(car) = car else { return Fate::Wrong(Reason::at(VIN, Code::VehicleUnknown)) };
    let held = match (car.seen, car.owner) {
        (false, _) => return Fate::Conflict(Reason::at(VIN, Code::Elsewhere), None),
        (true, None) => return Fate::Wrong(Reason::at(VIN, Code::VehicleUnknown)),
        (true, Some(held)) => held,
    };
    if owner.is_some_and(|owner| owner != held) {
        return Fate::Conflict(Reason::at(VIN, Code::OtherOwner), Some(held));
    }
    let Some(at) = begin_of(told.day) else { return Fate::Wrong(Reason::of(Code::Internal)) };
    let before = known.get(&car.id.uuid()).map(Vec::as_slice).unwrap_or_default();
    let mut on_record =
        before.iter().filter(|one| one.customer == held || history::day_of(one.at) == told.day);
    if let Some(one) = on_record.next() {
        let same = one.customer == held
            && history::day_of(one.at) == told.day
            && told.odometer_km.is_none_or(|km| km == one.odometer_km);
        return if same {
            Fate::Unchanged(held)
        } else {
            Fate::Conflict(Reason::of(Code::RecordDiffers), Some(held))
        };
    }
    if let Some(km) = told.odometer_km
        && let Err(misfit) = odometer::fits(Shown { km, at }, &car.readings)
    {
        return Fate::Conflict(Reason::at(ODOMETER_KM, Code::of_misfit(misfit)), Some(held));
    }
    Fate::New(Box::new(New { told, id, car, owner: held, at }))
}

/// Writes what a delivery changes of the owner and the car; what its row is recorded with.
async fn write_one(batch: &mut Batch<'_, Told>, number: i64, new: &New<'_>) -> Result<RowOutcome, Stop> {
    let stage = history::deal(batch.tx, new.owner, Dealing::Delivery, batch.now).await?;
    let delivered = new.car.car.deliver_time.is_none();
    if delivered {
        write::deliver_time(batch.tx, new.car.id, Some(new.at)).await?;
    }
    let before = serde_json::to_vec(&Before { stage, delivered }).map_err(Error::internal)?;
    Ok(RowOutcome {
        subject: Some(new.id.uuid()),
        reading: new.told.odometer_km.map(|_| new.id.uuid()),
        before: Some(batch.key.seal_bytes(FieldKind::BeforeImport, &before)?),
        outcome: ImportOutcome::Create,
        ..RowOutcome::unchanged(number, Some(new.owner))
    })
}

async fn write_all(
    tx: &mut PgConnection,
    run: &Run,
    all: &[Box<New<'_>>],
    now: Timestamp,
) -> Result<(), Stop> {
    let car = |new: &New<'_>| new.car.car.clone();
    sqlx::query!(
        "INSERT INTO customer.deliveries (id, customer_id, store_id, vehicle_id, vin, plate, model, trim, colour, odometer_km,
             advisor_id, deliver_time, create_time)
         SELECT id, customer, $11, vehicle, vin, plate, model, trim, colour, km, advisor, at, $12
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::integer[], $10::uuid[], $13::timestamptz[])
              AS d (id, customer, vehicle, vin, plate, model, trim, colour, km, advisor, at)",
        &column(all, |new| new.id.uuid()),
        &column(all, |new| new.owner),
        &column(all, |new| new.car.id.uuid()),
        &column(all, |new| new.told.vin.clone()),
        &column(all, |new| new.told.plate.clone()) as _,
        &column(all, |new| new.told.model.clone().unwrap_or_else(|| car(new).model)),
        &column(all, |new| new.told.trim.clone().unwrap_or_else(|| car(new).trim)),
        &column(all, |new| new.told.colour.clone().unwrap_or_else(|| car(new).colour)),
        &column(all, |new| new.told.odometer_km.unwrap_or_default()),
        &column(all, |new| new.told.advisor.map(StaffId::uuid)) as _,
        run.store_id,
        sql::at(now) as _,
        &column(all, |new| sql::at(new.at)) as _,
    )
    .execute(&mut *tx)
    .await?;
    let read: Vec<_> = all.iter().filter_map(|new| Some((new, new.told.odometer_km?))).collect();
    sqlx::query!(
        "INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
         SELECT id, subject, km, $5, at FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[]) AS r (id, subject, km, at)",
        &column(&read, |(new, _)| new.car.id.uuid()),
        &column(&read, |(new, _)| new.id.uuid()),
        &column(&read, |(_, km)| *km),
        &column(&read, |(new, _)| sql::at(new.at)) as _,
        run.store_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn delivered(run: &Run, new: &New<'_>) -> NewEvent {
    let event = VehicleDelivered {
        delivery: new.id.name(),
        customer: CustomerId::from(new.owner).name(),
        store: run.store().name(),
        vehicle: new.car.id.name(),
        lead: String::new(),
        advisor: new.told.advisor.map(StaffId::name).unwrap_or_default(),
        deliver_time: Some(time::to_proto(new.at)),
        odometer_km: new.told.odometer_km.unwrap_or_default(),
        imported: true,
    };
    NewEvent::new(&event, new.id.uuid(), 1, Some(run.store()))
}
