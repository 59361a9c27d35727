//! `UpdateVehicle`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, RequestKey, Result, StoreId, VehicleId, Violations};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VehicleUpdated,
    v1::{SourceChannel, UpdateVehicleRequest, Vehicle},
};
use foursight_runtime::{record, step};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    vehicles::{
        VehicleError,
        facts::{self, Field},
        get, presented, row,
        write::{self, Origin},
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
            let (version, opened) = write::write(&mut tx, id, &after, it.now).await?;
            let (staff, before) = (caller.staff(), (&on_file, opened));
            let origin = Origin { store: it.store, source: it.source, staff, time: it.now };
            write::record_facts(&mut tx, &ctx.ids, id, (&changed, before, &after), &origin).await?;
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
