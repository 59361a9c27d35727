//! `CreateVisit`.

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, VisitId, replay, sql,
    unique_violation,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VisitStarted,
    v1::{CreateVisitRequest, Visit, VisitKind, VisitState},
};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{stage::Dealing, stores},
    names,
    staff::Part,
    times,
    vehicles::{
        VehicleError,
        hand_over::AtHand,
        presented::{self, Car, Found, NoCar, Presented},
    },
    visits::{
        odometer::{self, Shown},
        row::VisitRow,
        state::VisitError,
    },
};

struct NewVisit {
    store: StoreId,
    car: Car,
    customer: Option<CustomerId>,
    kind: VisitKind,
    odometer_km: i32,
    odometer_confirmed: bool,
    advisor: StaffId,
    promise_time: Option<Timestamp>,
}

/// Checks a car in. Its owner, and whoever else brought it, are served by the store from now on.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `VEHICLE_WITHOUT_OWNER`, `VISIT_ALREADY_OPEN`, `CUSTOMER_NOT_FOUND`,
/// `TOO_MANY_TRIES`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `IDENTITY_AWAY`, and every wrong field at once.
pub(crate) async fn create(ctx: &Context, caller: &Principal, request: CreateVisitRequest) -> Result<Visit> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let visit = request.visit.unwrap_or_default();
    let new = parse(&mut v, ctx, caller, &visit);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("visit", "is required")) };
    ctx.staff.require_store(caller, "visit.store", new.store).await?;
    let key = ctx.keys.request_key(request_id, &visit);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, ctx: &Context, caller: &Principal, visit: &Visit) -> Option<NewVisit> {
    let store = v.name("visit.store", &visit.store);
    let car = match &visit.presented_car {
        None => v.name("visit.vehicle", &visit.vehicle).map(Car::Known),
        Some(car) => {
            if !visit.vehicle.is_empty() {
                v.push("visit.presented_car", "must be absent when the vehicle is named");
            }
            Presented::parse(v, "visit.presented_car", car, ctx).map(Car::Presented)
        }
    };
    let customer = v.optional_name("visit.customer", &visit.customer);
    let kind = v.required_enum("visit.kind", visit.kind);
    let odometer_confirmed = visit.odometer_confirmed;
    let odometer_km = odometer::read(v, "visit", visit.odometer_km, odometer_confirmed);
    let advisor = names::staff_or_caller(v, "visit.advisor", &visit.advisor, caller);
    let promise_time = v.timestamp("visit.promise_time", visit.promise_time.as_ref());
    let promise_time = times::ahead(v, "visit.promise_time", promise_time, ctx.now());
    Some(NewVisit {
        store: store?,
        car: car?,
        customer,
        kind: kind?,
        odometer_km,
        odometer_confirmed,
        advisor: advisor?,
        promise_time,
    })
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Visit>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        VisitRow,
        "SELECT id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id, promise_time, check_in_time,
                hand_over_time, amount_fen, version, request_hash
         FROM customer.visits WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewVisit,
    key: Option<&RequestKey>,
) -> Result<Option<Visit>> {
    // Asked before the transaction, which should not wait for a peer.
    ctx.staff.require(caller, "visit.advisor", new.advisor, new.store, Part::Active).await?;
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the car: check-ins of one car come one after the other.
    let Found { vehicle, known, confirmed_by } =
        match presented::find(&mut tx, caller, &new.car, new.store, now).await {
            Ok(found) => found,
            Err(NoCar::NotRecognised) => {
                tx.commit().await?;
                return Err(VehicleError::NotRecognised.into());
            }
            Err(NoCar::Other(error)) => return Err(error),
        };
    if let Some(open) = open_visit(&mut tx, vehicle).await? {
        return Err(VisitError::AlreadyOpen(Some(open)).into());
    }
    let shown = Shown { km: new.odometer_km, at: now };
    odometer::check("visit", shown, new.odometer_confirmed, known.odometer)?;
    let customer = receive(&mut tx, new, &known, now).await?;
    let written = insert(&mut tx, ctx, new, (vehicle, customer), key, now).await;
    if written.as_ref().err().and_then(unique_violation) == Some("visits_open") {
        // At a store that the caller does not see.
        return Err(VisitError::AlreadyOpen(None).into());
    }
    let Some(row) = replay::unless_taken(written, "visits_request")? else { return Ok(None) };
    let visit = row.to_proto();
    tell(&mut tx, ctx, caller, (&row, &confirmed_by), &visit, now).await?;
    tx.commit().await?;
    Ok(Some(visit))
}

/// The open visit of a car, as far as the caller's stores reach.
async fn open_visit(tx: &mut PgConnection, vehicle: VehicleId) -> Result<Option<VisitId>> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM customer.visits WHERE vehicle_id = $1 AND state = $2 ORDER BY id LIMIT 1",
        vehicle.uuid(),
        sql::number(VisitState::InWorkshop),
    )
    .fetch_optional(tx)
    .await?;
    Ok(open.map(VisitId::from))
}

/// The owner becomes a service customer of the store, and who brought the car is known there. Answers who brought it.
async fn receive(
    tx: &mut PgConnection,
    new: &NewVisit,
    known: &AtHand,
    now: Timestamp,
) -> Result<CustomerId> {
    // What was brought has opened the owner's file.
    if let Some(owner) = known.owner {
        stores::link(tx, owner, new.store, now).await?;
    }
    let customer = new.customer.or(known.owner).ok_or(VehicleError::NoOwner)?;
    if Some(customer) != known.owner {
        // An id is no key to a file: a stranger who brings the car is received first.
        stores::require_visible(tx, customer).await?;
        stores::link(tx, customer, new.store, now).await?;
    }
    stores::deal(tx, known.owner.unwrap_or(customer), Dealing::Visit, now).await?;
    Ok(customer)
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    new: &NewVisit,
    (vehicle, customer): (VehicleId, CustomerId),
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<VisitRow, sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let row = VisitRow {
        id: ctx.ids.next::<VisitId>().uuid(),
        store_id: new.store.uuid(),
        vehicle_id: vehicle.uuid(),
        customer_id: customer.uuid(),
        kind: sql::number(new.kind),
        state: sql::number(VisitState::InWorkshop),
        odometer_km: new.odometer_km,
        advisor_id: Some(new.advisor.uuid()),
        promise_time: sql::maybe_at(new.promise_time),
        check_in_time: sql::at(now),
        hand_over_time: None,
        amount_fen: None,
        version: 1,
        request_hash: request_hash.map(<[u8]>::to_vec),
    };
    sqlx::query!(
        "WITH visit AS (
             INSERT INTO customer.visits (id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id,
                 promise_time, check_in_time, version, request_id, request_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         )
         INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
         VALUES ($3, $1, $7, $2, $10)",
        row.id,
        row.store_id,
        row.vehicle_id,
        row.customer_id,
        row.kind,
        row.state,
        row.odometer_km,
        row.advisor_id,
        row.promise_time as _,
        row.check_in_time as _,
        row.version,
        request_id,
        row.request_hash,
    )
    .execute(tx)
    .await?;
    Ok(row)
}

async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    (row, confirmed_by): (&VisitRow, &[&str]),
    visit: &Visit,
    now: Timestamp,
) -> Result<()> {
    let store = StoreId::from(row.store_id);
    let started = VisitStarted {
        visit: visit.name.clone(),
        customer: visit.customer.clone(),
        store: visit.store.clone(),
        vehicle: visit.vehicle.clone(),
        kind: visit.kind,
        odometer_km: visit.odometer_km,
        check_in_time: visit.check_in_time,
        imported: false,
    };
    let action = audit::Action {
        method: "CreateVisit",
        resource: &visit.name,
        store: Some(store),
        detail: serde_json::json!({
            "customer": visit.customer, "vehicle": visit.vehicle, "confirmed_by": confirmed_by,
        }),
    };
    record::change(
        tx,
        &ctx.ids,
        caller,
        now,
        NewEvent::new(&started, row.id, row.version, Some(store)),
        action,
    )
    .await
}
