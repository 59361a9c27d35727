//! `GetVehicle`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, VehicleId, Violations};
use foursight_proto::customer::v1::{GetVehicleRequest, Vehicle};
use sqlx::PgConnection;

use crate::{
    context::Context,
    vehicles::{
        VehicleError, plates,
        readings::{self, Reading},
        row,
    },
};

/// One vehicle.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when no customer of the caller's stores owns or owned one of this name.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetVehicleRequest) -> Result<Vehicle> {
    let mut v = Violations::default();
    let id: Option<VehicleId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(Error::invalid_field("name", "is required")) };
    let mut tx = ctx.db.begin(caller).await?;
    read(&mut tx, id).await
}

/// The vehicle with all that its odometer showed and all its plates.
pub(super) async fn read(tx: &mut PgConnection, id: VehicleId) -> Result<Vehicle> {
    let found = row::read(&mut *tx, &[id.uuid()]).await?;
    let vehicle = found.into_iter().next().ok_or(VehicleError::NotFound)?;
    let readings = readings::of(&mut *tx, id).await?;
    let odometer_readings = readings.into_iter().map(Reading::into_proto).collect();
    Ok(Vehicle { odometer_readings, plates: plates::of(tx, id).await?, ..vehicle })
}
