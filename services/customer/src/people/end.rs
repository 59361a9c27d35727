//! `EndVehiclePerson`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VehiclePersonEnded,
    v1::{EndVehiclePersonRequest, VehiclePerson},
};
use foursight_runtime::{record, step};
use serde_json::json;

use crate::{
    context::Context,
    people::{
        PersonError,
        row::{self, PersonRow},
    },
    vehicles::presented,
};

const METHOD: &str = "EndVehiclePerson";

/// Ends a part.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `VEHICLE_PERSON_NOT_FOUND`, `VEHICLE_PERSON_ENDED`, `STORE_OUT_OF_REACH`,
/// `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn end(
    ctx: &Context,
    caller: &Principal,
    mut request: EndVehiclePersonRequest,
) -> Result<VehiclePerson> {
    let mut v = Violations::default();
    let vehicle: Option<VehicleId> = v.name("name", &request.name);
    let id = row::parse_name(&mut v, &request.person, vehicle);
    let store: Option<StoreId> = v.name("store", &request.store);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (Some(vehicle), Some(id), Some(store)) = (vehicle, id, store) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    ctx.staff.require_store(caller, "store", store).await?;
    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the car, as a hand-over does, which ends all parts.
    presented::find_known(&mut tx, vehicle).await?;
    let mut it = row::find(&mut tx, vehicle, id).await?;
    if step::is_new(&mut tx, key.as_ref(), store, now).await? {
        if it.end_time.is_some() {
            return Err(PersonError::Ended.into());
        }
        let end = now.max(it.start_time.to_jiff());
        let staff = caller.staff().map(StaffId::uuid);
        (it.end_time, it.end_store_id, it.end_staff_id) = (Some(sql::at(end)), Some(store.uuid()), staff);
        sqlx::query!(
            "UPDATE customer.vehicle_people SET end_time = $2, end_store_id = $3, end_staff_id = $4 WHERE id = $1",
            id,
            it.end_time as _,
            it.end_store_id,
            it.end_staff_id,
        )
        .execute(&mut *tx)
        .await?;
        tell(&mut tx, ctx, caller, &it, store).await?;
    }
    let person = it.to_proto(ctx, caller)?;
    tx.commit().await?;
    Ok(person)
}

async fn tell(
    tx: &mut sqlx::PgConnection,
    ctx: &Context,
    caller: &Principal,
    it: &PersonRow,
    store: StoreId,
) -> Result<()> {
    let ended = VehiclePersonEnded {
        person: it.name(),
        vehicle: VehicleId::from(it.vehicle_id).name(),
        customer: CustomerId::from(it.owner_id).name(),
        store: store.name(),
        role: it.role.into(),
        other: it.customer_id.map(|id| CustomerId::from(id).name()).unwrap_or_default(),
    };
    let action = audit::Action {
        method: METHOD,
        resource: &ended.person,
        store: Some(store),
        detail: json!({ "other": ended.other }),
    };
    let event = NewEvent::new(&ended, it.id, 2, Some(store));
    record::change(tx, &ctx.ids, caller, ctx.now(), event, action).await
}
