//! `GetDelivery`.

use foursight_access::Principal;
use foursight_kernel::{DeliveryId, Error, Result, Violations};
use foursight_proto::customer::v1::{Delivery, GetDeliveryRequest};

use crate::{context::Context, deliveries::row::DeliveryRow};

/// One delivery.
///
/// # Errors
/// `DELIVERY_NOT_FOUND` when there is none in the caller's stores.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetDeliveryRequest) -> Result<Delivery> {
    let mut v = Violations::default();
    let id: Option<DeliveryId> = v.name("name", &request.name);
    v.check()?;
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        DeliveryRow,
        "SELECT id, customer_id, store_id, lead_id, vehicle_id, vin, plate, model, trim, colour, odometer_km, advisor_id,
                deliver_time, request_hash
         FROM customer.deliveries WHERE id = $1",
        id.map(DeliveryId::uuid),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let message = "there is no such delivery, or not in the caller's stores";
    Ok(row.ok_or_else(|| Error::not_found("DELIVERY_NOT_FOUND", message))?.to_proto())
}
