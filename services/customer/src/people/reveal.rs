//! `RevealVehiclePerson`.

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, VehicleId, Violations};
use foursight_proto::customer::v1::{RevealVehiclePersonRequest, RevealVehiclePersonResponse};
use serde_json::json;

use crate::{
    context::Context,
    people::{PersonError, row},
    vehicles::presented,
};

/// Shows the phone of somebody without a file whole. Who saw it, and why, is in the audit log before it leaves.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_PERSON_NOT_FOUND`, `FACT_NOT_FOUND` where none is sealed here.
pub(super) async fn reveal(
    ctx: &Context,
    caller: &Principal,
    request: &RevealVehiclePersonRequest,
) -> Result<RevealVehiclePersonResponse> {
    let mut v = Violations::default();
    let vehicle: Option<VehicleId> = v.name("name", &request.name);
    let id = row::parse_name(&mut v, &request.person, vehicle);
    let reason = v.text("reason", &request.reason, 4..=200);
    v.check()?;
    let (Some(vehicle), Some(id)) = (vehicle, id) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    let mut tx = ctx.db.begin(caller).await?;
    presented::require_visible(&mut tx, vehicle).await?;
    let it = row::find(&mut tx, vehicle, id).await?;
    let stranger = it.open(ctx)?.filter(|stranger| !stranger.phone.is_empty());
    let stranger = stranger.ok_or(PersonError::NothingSealed)?;
    let action = audit::Action {
        method: "RevealVehiclePerson",
        resource: &it.name(),
        store: None,
        detail: json!({ "reason": reason }),
    };
    audit::record(&mut tx, caller, ctx.now(), action).await?;
    tx.commit().await?;
    Ok(RevealVehiclePersonResponse { phone: stranger.phone })
}
