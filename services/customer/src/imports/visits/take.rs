//! A batch of rows of visits: looked up, decided, written.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, Error, StaffId, VehicleId, VisitId, sql, time};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::{VisitCompleted, VisitStarted},
    v1::{ImportOutcome, VisitState},
};
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
        run::Run,
        vehicles::on_file,
        worker::{Stop, lines::Line},
    },
    visits::odometer::Shown,
};

use super::{
    decide::{self, Car, Fate, Known},
    told::Told,
};

/// What is to be written.
struct New<'a> {
    told: &'a Told,
    id: VisitId,
    vehicle: VehicleId,
    customer: Uuid,
    check_in: Timestamp,
    hand_over: Timestamp,
}

/// Takes these rows.
pub(super) async fn take(batch: &mut Batch<'_, Told>) -> Result<Taken, Stop> {
    // Whoever is erased now is erased before, or finds what is written here.
    erasure::hold(&mut *batch.tx).await?;
    let lines = batch.lines;
    let told = || lines.iter().filter_map(|line| line.said.as_ref().ok());
    let owners = Owners::find(batch.tx, batch.run, told().filter_map(|told| told.customer.as_ref())).await?;
    let mut cars = cars(batch.tx, batch.run, lines).await?;
    let (mut decided, mut all) = (HashMap::new(), Vec::new());
    // By time, so that rows of one car are held against each other in the order in which they happened.
    let mut by_time: Vec<&Line<Told>> = lines.iter().collect();
    by_time.sort_by_key(|line| line.said.as_ref().ok().map(|told| told.day));
    for line in by_time {
        let Ok(told) = &line.said else { continue };
        if batch.outright(line).is_some() {
            continue;
        }
        let row = match told.customer.as_ref().map(|customer| owners.of(customer)).transpose() {
            Err(unclear) => owner::refused(line.number, unclear),
            Ok(customer) => {
                let vin = told.vin.as_ref().or_else(|| cars.by_plate.get(told.plate.as_ref()?));
                let car = vin.and_then(|vin| cars.by_vin.get_mut(vin));
                match decide::decide(told, car.as_deref(), customer) {
                    Fate::Unchanged(customer) => RowOutcome::unchanged(line.number, Some(customer)),
                    Fate::Wrong(reason) => RowOutcome::error(line.number, &[reason]),
                    Fate::Conflict(reason, seen) => RowOutcome::conflict(line.number, &[reason], seen),
                    Fate::New { customer, check_in, hand_over } => {
                        let Some(car) = car else { continue };
                        car.happened(told, check_in);
                        let (id, vehicle) = (batch.ctx.ids.next(), car.on_file.id);
                        let new = New { told, id, vehicle, customer, check_in, hand_over };
                        let row = write_one(batch, line.number, &new).await?;
                        all.push(new);
                        row
                    }
                }
            }
        };
        decided.insert(line.number, row);
    }
    let mut outcomes = Outcomes::default();
    for line in lines {
        match (batch.outright(line), decided.remove(&line.number)) {
            (Some(Outright::As(twin)), _) => outcomes.push_as(line.number, twin),
            (Some(Outright::Refused(row)), _) | (None, Some(row)) => outcomes.push(row),
            (None, None) => {}
        }
    }
    if !batch.run.dry_run {
        write_all(batch.tx, batch.run, &all).await?;
        history::tell(batch.tx, batch.ctx, all.iter().flat_map(|new| events(batch.run, new)).collect())
            .await?;
    }
    Ok(Taken { outcomes: outcomes.into_rows(), tried: Vec::new() })
}

/// The cars of a batch, by VIN, and the VINs of their plates.
struct Cars {
    by_vin: HashMap<String, Car>,
    by_plate: HashMap<String, String>,
}

impl Car {
    /// What later rows are held against.
    fn happened(&mut self, told: &Told, check_in: Timestamp) {
        self.on_file.readings.push(Shown { km: told.odometer_km, at: check_in });
        self.visits.push(Known {
            kind: sql::number(told.kind),
            check_in,
            odometer_km: told.odometer_km,
            amount_fen: told.amount_fen,
        });
    }
}

async fn cars(tx: &mut PgConnection, run: &Run, lines: &[Line<Told>]) -> Result<Cars, Stop> {
    let told = || lines.iter().filter_map(|line| line.said.as_ref().ok());
    let plates: Vec<String> =
        told().filter(|told| told.vin.is_none()).filter_map(|told| told.plate.clone()).collect();
    let hung = sqlx::query!(
        "SELECT p.plate, v.vin FROM customer.vehicle_plates p JOIN customer.vehicles v ON v.id = p.vehicle_id
         WHERE p.plate = ANY ($1) AND p.end_time IS NULL",
        &plates,
    )
    .fetch_all(&mut *tx)
    .await?;
    let by_plate: HashMap<String, String> = hung.into_iter().map(|one| (one.plate, one.vin)).collect();
    let vins: Vec<String> =
        told().filter_map(|told| told.vin.clone()).chain(by_plate.values().cloned()).collect();
    let on_file = on_file::read(&mut *tx, run, &vins, &[]).await?.by_vin;
    let ids: Vec<Uuid> = on_file.values().map(|car| car.id.uuid()).collect();
    let mut cars: HashMap<Uuid, Car> = on_file
        .into_values()
        .map(|car| (car.id.uuid(), Car { on_file: car, visits: Vec::new(), owners: Vec::new() }))
        .collect();
    let visits = sqlx::query!(
        r#"SELECT vehicle_id, kind, check_in_time AS "check_in_time: sql::Timestamp", odometer_km, amount_fen
           FROM customer.visits WHERE vehicle_id = ANY ($1)"#,
        &ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    for one in visits {
        let (kind, check_in) = (one.kind, one.check_in_time.to_jiff());
        let known = Known { kind, check_in, odometer_km: one.odometer_km, amount_fen: one.amount_fen };
        if let Some(car) = cars.get_mut(&one.vehicle_id) {
            car.visits.push(known);
        }
    }
    let owners = sqlx::query!(
        r#"SELECT vehicle_id, customer_id, start_time AS "start_time: sql::Timestamp", end_time AS "end_time: sql::Timestamp"
           FROM customer.vehicle_ownerships WHERE vehicle_id = ANY ($1)"#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    for one in owners {
        let (since, until) = (one.start_time.to_jiff(), one.end_time.map(sql::Timestamp::to_jiff));
        if let Some(car) = cars.get_mut(&one.vehicle_id) {
            car.owners.push((one.customer_id, since, until));
        }
    }
    let by_vin = cars.into_values().map(|car| (car.on_file.car.vin.clone(), car)).collect();
    Ok(Cars { by_vin, by_plate })
}

/// Writes what a visit changes of the customer; what its row is recorded with.
async fn write_one(batch: &mut Batch<'_, Told>, number: i64, new: &New<'_>) -> Result<RowOutcome, Stop> {
    if batch.run.dry_run {
        return Ok(RowOutcome::created(number, Some(new.customer), None));
    }
    let stage = history::deal(batch.tx, new.customer, Dealing::Visit, batch.now).await?;
    let before = serde_json::to_vec(&Before { stage, delivered: false }).map_err(Error::internal)?;
    Ok(RowOutcome {
        subject: Some(new.id.uuid()),
        reading: Some(new.id.uuid()),
        version: Some(2),
        before: Some(batch.key.seal_bytes(FieldKind::BeforeImport, &before)?),
        outcome: ImportOutcome::Create,
        ..RowOutcome::unchanged(number, Some(new.customer))
    })
}

async fn write_all(tx: &mut PgConnection, run: &Run, all: &[New<'_>]) -> Result<(), Stop> {
    sqlx::query!(
        "WITH v AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::integer[], $6::uuid[],
                                  $7::timestamptz[], $8::timestamptz[], $9::bigint[])
                  AS v (id, vehicle, customer, kind, km, advisor, came, went, amount)
         ), written AS (
             INSERT INTO customer.visits (id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id,
                 check_in_time, hand_over_time, amount_fen, version)
             SELECT id, $10, vehicle, customer, kind, $11, km, advisor, came, went, amount, 2 FROM v
         )
         INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
         SELECT vehicle, id, km, $10, came FROM v",
        &column(all, |new| new.id.uuid()),
        &column(all, |new| new.vehicle.uuid()),
        &column(all, |new| new.customer),
        &column(all, |new| sql::number(new.told.kind)),
        &column(all, |new| new.told.odometer_km),
        &column(all, |new| new.told.advisor.map(StaffId::uuid)) as _,
        &column(all, |new| sql::at(new.check_in)) as _,
        &column(all, |new| sql::at(new.hand_over)) as _,
        &column(all, |new| new.told.amount_fen) as _,
        run.store_id,
        sql::number(VisitState::HandedOver),
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn events(run: &Run, new: &New<'_>) -> [(Timestamp, NewEvent); 2] {
    let (customer, store) = (CustomerId::from(new.customer).name(), run.store());
    let started = VisitStarted {
        visit: new.id.name(),
        customer: customer.clone(),
        store: store.name(),
        vehicle: new.vehicle.name(),
        kind: new.told.kind.into(),
        odometer_km: new.told.odometer_km,
        check_in_time: Some(time::to_proto(new.check_in)),
        imported: true,
    };
    let completed = VisitCompleted {
        visit: new.id.name(),
        customer,
        store: store.name(),
        vehicle: new.vehicle.name(),
        kind: new.told.kind.into(),
        advisor: new.told.advisor.map(StaffId::name).unwrap_or_default(),
        hand_over_time: Some(time::to_proto(new.hand_over)),
        imported: true,
    };
    [
        (new.check_in, NewEvent::new(&started, new.id.uuid(), 1, Some(store))),
        (new.hand_over, NewEvent::new(&completed, new.id.uuid(), 2, Some(store))),
    ]
}
