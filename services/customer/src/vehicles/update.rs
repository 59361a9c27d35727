//! `UpdateVehicle`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::{
    customer::{
        events::v1::VehicleUpdated,
        v1::{SourceChannel, UpdateVehicleRequest, Vehicle},
    },
    google::r#type::Date,
};
use foursight_runtime::{record, step};
use jiff::Timestamp;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    vehicles::{
        VehicleError,
        facts::{self, Field},
        get, presented, row,
    },
};

const METHOD: &str = "UpdateVehicle";

struct Update {
    fields: Vec<Field>,
    told: Vehicle,
    store: StoreId,
    source: SourceChannel,
    now: Timestamp,
}

/// Changes the facts that the mask names.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `VEHICLE_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at
/// once.
pub(super) async fn update(
    ctx: &Context,
    caller: &Principal,
    mut request: UpdateVehicleRequest,
) -> Result<Vehicle> {
    let mut v = Violations::default();
    let id: Option<VehicleId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let it = parse(&mut v, ctx, &request);
    v.check()?;
    let (Some(id), Some(it)) = (id, it) else { return Err(Error::invalid_field("name", "is required")) };
    ctx.staff.require_store(caller, "store", it.store).await?;

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the car, as check-ins and hand-overs do.
    let known = presented::find_known(&mut tx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), it.store, it.now).await? {
        let on_file = row::read(&mut tx, &[id.uuid()]).await?;
        let on_file = on_file.into_iter().next().ok_or(VehicleError::NotFound)?;
        if !request.etag.is_empty() && request.etag != on_file.etag {
            return Err(VehicleError::Changed.into());
        }
        let differs = |field: &Field| facts::only(&on_file, *field) != facts::only(&it.told, *field);
        let changed: Vec<Field> = it.fields.iter().copied().filter(differs).collect();
        if !changed.is_empty() {
            let mut after = on_file.clone();
            for field in &changed {
                facts::take(&mut after, *field, &it.told);
            }
            let (version, opened) = write(&mut tx, id, &after, it.now).await?;
            let before = (&on_file, opened);
            record_facts(&mut tx, ctx, caller, id, (&changed, before, &after), &it).await?;
            tell(&mut tx, ctx, caller, (id, version, known.owner), &changed, &it).await?;
        }
    }
    let vehicle = get::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(vehicle)
}

fn parse(v: &mut Violations, ctx: &Context, request: &UpdateVehicleRequest) -> Option<Update> {
    let store = v.name("store", &request.store);
    let source = v.required_enum("source", request.source);
    if request.vehicle.is_none() {
        v.push("vehicle", "is required");
    }
    let vehicle = request.vehicle.as_ref()?;
    let paths = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    let fields = fields(v, vehicle, paths);
    let told = facts::parse(v, vehicle, &fields, ctx.today());
    Some(Update { fields, told, store: store?, source: source?, now: ctx.now() })
}

/// What is to be changed: what the mask names, all for `*`, and without a mask what the request has.
fn fields(v: &mut Violations, vehicle: &Vehicle, paths: &[String]) -> Vec<Field> {
    if paths.is_empty() {
        return Field::ALL.into_iter().filter(|field| facts::has(vehicle, *field)).collect();
    }
    let mut fields = Vec::new();
    for path in paths.iter().take(Field::ALL.len() * 2) {
        match Field::at(path) {
            Some(field) => fields.push(field),
            None if path == "*" => fields.extend(Field::ALL),
            None => {
                let all = Field::ALL.map(Field::path).join(", ");
                v.push("update_mask", format!("names what cannot be changed here; there are: {all}"));
                break;
            }
        }
    }
    Field::ALL.into_iter().filter(|field| fields.contains(field)).collect()
}

/// Writes the car as it is now. Gives its new version, and when its file was opened.
async fn write(
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
async fn record_facts(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    id: VehicleId,
    (fields, (before, opened), after): (&[Field], (&Vehicle, sql::Timestamp), &Vehicle),
    it: &Update,
) -> Result<()> {
    // Ids of one instant come in no order: what was comes before what is.
    let mut ids: Vec<Uuid> = fields.iter().chain(fields).map(|_| ctx.ids.uuid()).collect();
    ids.sort_unstable();
    let (ids_before, ids_after) = ids.split_at(fields.len());
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
        caller.staff().map(StaffId::uuid),
        sql::at(it.now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells which facts changed, and never what they are.
async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    (id, version, owner): (VehicleId, i64, Option<CustomerId>),
    changed: &[Field],
    it: &Update,
) -> Result<()> {
    let fields: Vec<String> = changed.iter().map(|field| field.path().to_owned()).collect();
    let action = audit::Action {
        method: METHOD,
        resource: &id.name(),
        store: Some(it.store),
        detail: serde_json::json!({ "fields": fields, "source": it.source.as_str_name() }),
    };
    let updated = VehicleUpdated {
        vehicle: id.name(),
        customer: owner.map(CustomerId::name).unwrap_or_default(),
        store: it.store.name(),
        source: it.source.into(),
        fields: fields.clone(),
    };
    let event = NewEvent::new(&updated, id.uuid(), version, Some(it.store));
    record::change(tx, &ctx.ids, caller, it.now, event, action).await
}
