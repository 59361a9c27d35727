//! `ListVehicles`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, VehicleId, Violations};
use foursight_proto::customer::v1::{ListVehiclesRequest, ListVehiclesResponse};

use crate::{
    context::Context,
    vehicles::{plate, row},
};

/// The cars that a customer owns now, or the car that has a plate or VIN now, newest first.
///
/// # Errors
/// Wrong fields, among them a request that names neither.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListVehiclesRequest,
) -> Result<ListVehiclesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.optional_name("customer", &request.customer);
    let plate = optional(&mut v, "plate", &request.plate, plate::normalize);
    let vin = optional(&mut v, "vin", &request.vin, |vin| ctx.vins.read(vin));
    if request.customer.is_empty() && request.plate.is_empty() && request.vin.is_empty() {
        v.push("customer", "name a customer, or else a plate or a VIN");
    }
    v.check()?;
    let page = Page::<VehicleId>::parse(request)?;

    let mut tx = ctx.db.begin_list(caller).await?;
    let ids = sqlx::query_scalar!(
        r#"WITH found AS (
               SELECT vehicle_id FROM customer.vehicle_ownerships WHERE customer_id = $1 AND end_time IS NULL
               UNION
               SELECT vehicle_id FROM customer.vehicle_plates WHERE plate = $2 AND end_time IS NULL
               UNION
               SELECT id FROM customer.vehicles WHERE vin = $3
           )
           SELECT f.vehicle_id AS "id!" FROM found f
           WHERE ($1::uuid IS NULL OR EXISTS (SELECT FROM customer.vehicle_ownerships o
                     WHERE o.vehicle_id = f.vehicle_id AND o.customer_id = $1 AND o.end_time IS NULL))
             AND ($2::text IS NULL OR EXISTS (SELECT FROM customer.vehicle_plates p
                     WHERE p.vehicle_id = f.vehicle_id AND p.plate = $2 AND p.end_time IS NULL))
             AND ($3::text IS NULL OR EXISTS (SELECT FROM customer.vehicles v
                     WHERE v.id = f.vehicle_id AND v.vin = $3))
             AND ($4::uuid IS NULL OR f.vehicle_id < $4)
           ORDER BY f.vehicle_id DESC LIMIT $5"#,
        customer.map(CustomerId::uuid),
        plate,
        vin,
        page.after.map(VehicleId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (ids, next_page_token) = page.finish(ids, |id| VehicleId::from(*id))?;
    Ok(ListVehiclesResponse { vehicles: row::read(&mut tx, &ids).await?, next_page_token })
}

/// A text that may be absent, in its kept form.
fn optional<E: std::fmt::Display>(
    v: &mut Violations,
    field: &str,
    text: &str,
    normalize: impl FnOnce(&str) -> Result<String, E>,
) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    normalize(text).map_err(|error| v.push(field, error.to_string())).ok()
}
