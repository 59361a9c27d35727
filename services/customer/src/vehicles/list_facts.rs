//! `ListVehicleFacts`.

use foursight_access::Principal;
use foursight_kernel::{Error, FactId, Page, Result, StaffId, VehicleId, Violations, sql, time};
use foursight_proto::customer::v1::{
    ListVehicleFactsRequest, ListVehicleFactsResponse, Vehicle, VehicleFact,
};
use prost::Message;
use uuid::Uuid;

use crate::{
    context::Context,
    scope,
    vehicles::{VehicleError, facts::Field, presented},
};

struct FactRow {
    id: Uuid,
    field: i16,
    value: Option<Vec<u8>>,
    source: Option<i16>,
    store_id: Option<Uuid>,
    staff_id: Option<Uuid>,
    learn_time: sql::Timestamp,
}

/// What each fact of a car was over time and where it came from, newest first.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when the caller sees no such car; wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListVehicleFactsRequest,
) -> Result<ListVehicleFactsResponse> {
    let mut v = Violations::default();
    let vehicle: Option<VehicleId> = v.name("parent", &request.parent);
    let field = Field::at(&request.field);
    if field.is_none() && !request.field.is_empty() {
        v.push("field", "must be the path of a fact, such as commercial_insurance");
    }
    v.check()?;
    let vehicle = vehicle.ok_or_else(|| Error::from(VehicleError::NotFound))?;
    let page = Page::<FactId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    presented::require_visible(&mut tx, vehicle).await?;
    let rows = sqlx::query_as!(
        FactRow,
        "SELECT id, field, value, source, store_id, staff_id, learn_time FROM customer.vehicle_facts
         WHERE vehicle_id = $1 AND ($2::smallint IS NULL OR field = $2) AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        vehicle.uuid(),
        field.map(|field| field as i16),
        page.after.map(FactId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let facts = rows.into_iter().map(|row| row.into_proto(vehicle, caller)).collect::<Result<_>>()?;
    Ok(ListVehicleFactsResponse { facts, next_page_token })
}

impl FactRow {
    fn into_proto(self, vehicle: VehicleId, caller: &Principal) -> Result<VehicleFact> {
        let field =
            Field::of_number(self.field).ok_or_else(|| Error::internal("a fact of no known field"))?;
        let value = self.value.map(|bytes| Vehicle::decode(bytes.as_slice()));
        Ok(VehicleFact {
            name: format!("{}/facts/{}", vehicle.name(), self.id),
            field: field.path().to_owned(),
            value: value.transpose().map_err(Error::internal)?,
            source: self.source.unwrap_or_default().into(),
            store: scope::store_within(caller, self.store_id),
            staff: self.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
            learn_time: Some(time::to_proto(self.learn_time.to_jiff())),
        })
    }
}
