//! `GetVehicle`.

use foursight_access::Principal;
use foursight_kernel::{Result, VehicleId, Violations};
use foursight_proto::customer::v1::{GetVehicleRequest, Vehicle};

use crate::{
    context::Context,
    vehicles::{VehicleError, row},
};

/// One vehicle.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when no customer of the caller's stores owns or owned one of this name.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetVehicleRequest) -> Result<Vehicle> {
    let mut v = Violations::default();
    let id: Option<VehicleId> = v.name("name", &request.name);
    v.check()?;
    let ids: Vec<_> = id.iter().map(|id| id.uuid()).collect();
    let mut tx = ctx.db.begin(caller).await?;
    let found = row::read(&mut tx, &ids).await?;
    Ok(found.into_iter().next().ok_or(VehicleError::NotFound)?)
}
