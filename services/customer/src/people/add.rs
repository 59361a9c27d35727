//! `AddVehiclePerson`.

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, replay, sql,
    unique_violation,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VehiclePersonAdded,
    v1::{AddVehiclePersonRequest, VehiclePerson, VehicleRole},
};
use foursight_runtime::record;
use prost::Message;
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    contacts::phone,
    context::Context,
    customers::{sealing::FieldKind, stores},
    people::{
        PersonError,
        row::{self, PersonRow},
    },
    vehicles::{VehicleError, presented},
};

struct NewPerson {
    vehicle: VehicleId,
    role: VehicleRole,
    who: Who,
    store: StoreId,
}

enum Who {
    Customer(CustomerId),
    /// Name and phone alone.
    Stranger(Box<VehiclePerson>),
}

/// Says who has a part at a car.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `VEHICLE_WITHOUT_OWNER`, `CUSTOMER_NOT_FOUND`, `VEHICLE_PERSON_EXISTS`,
/// `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn add(
    ctx: &Context,
    caller: &Principal,
    request: AddVehiclePersonRequest,
) -> Result<VehiclePerson> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let new = parse(&mut v, &request);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("person", "is required")) };
    ctx.staff.require_store(caller, "person.store", new.store).await?;
    let content = AddVehiclePersonRequest { request_id: String::new(), ..request };
    let key = ctx.keys.request_key(request_id, &content);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, request: &AddVehiclePersonRequest) -> Option<NewPerson> {
    let vehicle = v.name("parent", &request.parent);
    let person = request.person.clone().unwrap_or_default();
    let role = v.required_enum("person.role", person.role);
    let store = v.name("person.store", &person.store);
    let who = if person.customer.is_empty() {
        let display_name = v.line("person.display_name", &person.display_name, 1..=100);
        let phone = if person.phone.is_empty() { Ok(String::new()) } else { phone::normalize(&person.phone) };
        let phone = phone.map_err(|error| v.push("person.phone", error.to_string())).unwrap_or_default();
        let stranger = VehiclePerson { display_name, phone, ..VehiclePerson::default() };
        Some(Who::Stranger(Box::new(stranger)))
    } else {
        if !person.display_name.is_empty() || !person.phone.is_empty() {
            v.push(
                "person.customer",
                "is for somebody with a file, which has name and phone; leave those out, or this",
            );
        }
        v.name("person.customer", &person.customer).map(Who::Customer)
    };
    Some(NewPerson { vehicle: vehicle?, role: role?, who: who?, store: store? })
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<VehiclePerson>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        PersonRow,
        r#"SELECT p.id, p.vehicle_id, p.owner_id, p.role, p.customer_id, p.sealed, p.start_time, p.store_id, p.staff_id,
                  p.end_time, p.end_store_id, p.end_staff_id, p.request_hash,
                  k.master_version AS "master_version?", k.wrapped AS "wrapped?"
           FROM customer.vehicle_people p LEFT JOIN customer.customer_keys k ON k.customer_id = p.owner_id
           WHERE p.request_id = $1"#,
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    key.confirm(row.request_hash.as_deref())?;
    row.to_proto(ctx, caller).map(Some)
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewPerson,
    key: Option<&RequestKey>,
) -> Result<Option<VehiclePerson>> {
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the car: who owns it stays so meanwhile.
    let known = presented::find_known(&mut tx, new.vehicle).await?;
    let owner = known.owner.ok_or(VehicleError::NoOwner)?;
    let (customer, sealed) = match &new.who {
        Who::Customer(customer) if *customer == owner => {
            return Err(Error::invalid_field("person.customer", "owns the vehicle"));
        }
        Who::Customer(customer) => {
            stores::require_visible(&mut tx, *customer).await?;
            (Some(*customer), None)
        }
        Who::Stranger(who) => {
            let owners = row::key_of(&mut tx, ctx, owner).await?;
            (None, Some(owners.seal_bytes(FieldKind::Person, &who.encode_to_vec())?))
        }
    };
    let it = PersonRow {
        id: ctx.ids.uuid(),
        vehicle_id: new.vehicle.uuid(),
        owner_id: owner.uuid(),
        role: sql::number(new.role),
        customer_id: customer.map(CustomerId::uuid),
        sealed,
        start_time: sql::at(now),
        store_id: new.store.uuid(),
        staff_id: caller.staff().map(StaffId::uuid),
        end_time: None,
        end_store_id: None,
        end_staff_id: None,
        request_hash: None,
        master_version: None,
        wrapped: None,
    };
    let written = insert(&mut tx, &it, key).await;
    if let Err(error) = &written
        && unique_violation(error) == Some("vehicle_people_once")
    {
        return Err(PersonError::Exists.into());
    }
    if replay::unless_taken(written, "vehicle_people_request")?.is_none() {
        return Ok(None);
    }
    let added = VehiclePersonAdded {
        person: it.name(),
        vehicle: new.vehicle.name(),
        customer: owner.name(),
        store: new.store.name(),
        role: new.role.into(),
        other: customer.map(CustomerId::name).unwrap_or_default(),
    };
    let action = audit::Action {
        method: "AddVehiclePerson",
        resource: &added.person,
        store: Some(new.store),
        detail: json!({ "role": new.role.as_str_name(), "other": added.other }),
    };
    let event = NewEvent::new(&added, it.id, 1, Some(new.store));
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    let told = it.to_proto(ctx, caller)?;
    tx.commit().await?;
    Ok(Some(match &new.who {
        Who::Customer(_) => told,
        Who::Stranger(who) => row::with_stranger(told, who),
    }))
}

async fn insert(tx: &mut PgConnection, it: &PersonRow, key: Option<&RequestKey>) -> Result<(), sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    sqlx::query!(
        "INSERT INTO customer.vehicle_people (id, vehicle_id, owner_id, role, customer_id, sealed, start_time, store_id,
             staff_id, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        it.id,
        it.vehicle_id,
        it.owner_id,
        it.role,
        it.customer_id,
        it.sealed,
        it.start_time as _,
        it.store_id,
        it.staff_id,
        request_id,
        request_hash,
    )
    .execute(tx)
    .await?;
    Ok(())
}
