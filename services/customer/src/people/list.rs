//! `ListVehiclePeople` and `ListVehicleRoles`: the two sides of one table.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, Result, VehicleId, Violations};
use foursight_proto::customer::v1::{
    ListVehiclePeopleRequest, ListVehiclePeopleResponse, ListVehicleRolesRequest, ListVehicleRolesResponse,
    VehiclePerson,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    people::row::PersonRow,
    vehicles::{VehicleError, presented},
};

/// Who has and had a part at a car, newest first.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when the caller sees no such car; a wrong page.
pub(super) async fn people(
    ctx: &Context,
    caller: &Principal,
    request: &ListVehiclePeopleRequest,
) -> Result<ListVehiclePeopleResponse> {
    let mut v = Violations::default();
    let vehicle: Option<VehicleId> = v.name("parent", &request.parent);
    v.check()?;
    let vehicle = vehicle.ok_or_else(|| Error::from(VehicleError::NotFound))?;
    let page = Page::<Uuid>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    presented::require_visible(&mut tx, vehicle).await?;
    let rows = rows(&mut tx, Some(vehicle), None, &page).await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id)?;
    Ok(ListVehiclePeopleResponse { people: to_proto(ctx, caller, &rows)?, next_page_token })
}

/// At which cars a customer has and had a part, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; a wrong page.
pub(super) async fn roles(
    ctx: &Context,
    caller: &Principal,
    request: &ListVehicleRolesRequest,
) -> Result<ListVehicleRolesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<Uuid>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = rows(&mut tx, None, Some(customer), &page).await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id)?;
    Ok(ListVehicleRolesResponse { vehicle_roles: to_proto(ctx, caller, &rows)?, next_page_token })
}

async fn rows(
    tx: &mut PgConnection,
    vehicle: Option<VehicleId>,
    customer: Option<CustomerId>,
    page: &Page<Uuid>,
) -> Result<Vec<PersonRow>> {
    let rows = sqlx::query_as!(
        PersonRow,
        r#"SELECT p.id, p.vehicle_id, p.owner_id, p.role, p.customer_id, p.sealed, p.start_time, p.store_id, p.staff_id,
                  p.end_time, p.end_store_id, p.end_staff_id, p.request_hash,
                  k.master_version AS "master_version?", k.wrapped AS "wrapped?"
           FROM customer.vehicle_people p LEFT JOIN customer.customer_keys k ON k.customer_id = p.owner_id
           WHERE ($1::uuid IS NULL OR p.vehicle_id = $1) AND ($2::uuid IS NULL OR p.customer_id = $2)
             AND ($3::uuid IS NULL OR p.id < $3)
           ORDER BY p.id DESC LIMIT $4"#,
        vehicle.map(VehicleId::uuid),
        customer.map(CustomerId::uuid),
        page.after,
        page.limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

fn to_proto(ctx: &Context, caller: &Principal, rows: &[PersonRow]) -> Result<Vec<VehiclePerson>> {
    rows.iter().map(|row| row.to_proto(ctx, caller)).collect()
}
