//! `ListOdometerReadings`.

use foursight_access::Principal;
use foursight_kernel::{Error, Page, Result, VehicleId, Violations};
use foursight_proto::customer::v1::{ListOdometerReadingsRequest, ListOdometerReadingsResponse};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    context::Context,
    vehicles::{VehicleError, presented, readings, readings::Reading},
};

/// What a car's odometer showed over time, newest first, with what was corrected.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when the caller sees no such car; a wrong page.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListOdometerReadingsRequest,
) -> Result<ListOdometerReadingsResponse> {
    let mut v = Violations::default();
    let vehicle: Option<VehicleId> = v.name("parent", &request.parent);
    v.check()?;
    let vehicle = vehicle.ok_or_else(|| Error::from(VehicleError::NotFound))?;
    let page = Page::<(Timestamp, i64, Uuid)>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    presented::require_visible(&mut tx, vehicle).await?;
    let rows = readings::page(&mut tx, vehicle, page.after, Some(page.limit)).await?;
    let (rows, next_page_token) = page.finish(rows, Reading::place)?;
    let odometer_readings = rows.into_iter().map(Reading::into_proto).collect();
    Ok(ListOdometerReadingsResponse { odometer_readings, next_page_token })
}
