//! What a delivery writes: the vehicle's file, the lead, the customer's stage, the delivery itself.

use foursight_access::{Principal, audit};
use foursight_kernel::{DeliveryId, LeadId, RequestKey, Result, VehicleId, replay, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::VehicleDelivered, v1::Delivery};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{stage::Dealing, stores},
    deliveries::{
        create::{self, NewDelivery},
        row::DeliveryRow,
    },
    leads::win,
    vehicles::{
        VehicleError,
        hand_over::{self, HandOver, Which},
    },
};

/// What the same request made the first time.
pub(super) async fn made_before(
    ctx: &Context,
    caller: &Principal,
    key: &RequestKey,
) -> Result<Option<Delivery>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        DeliveryRow,
        "SELECT id, customer_id, store_id, lead_id, vehicle_id, vin, plate, model, trim, colour, odometer_km, advisor_id,
                deliver_time, request_hash
         FROM customer.deliveries WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

/// `None` when the request id is taken.
pub(super) async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewDelivery,
    key: Option<&RequestKey>,
) -> Result<Option<Delivery>> {
    let now = ctx.now();
    // Asked before the transaction, which should not wait for a peer.
    let part = create::part_of_advisor(new, now);
    ctx.staff.require(caller, "delivery.advisor", new.advisor, new.store, part).await?;
    let mut tx = ctx.db.begin(caller).await?;
    // An id is no key to a file: somebody whom another store knows is received here first.
    stores::require_visible(&mut tx, new.customer).await?;
    stores::link(&mut tx, new.customer, new.store, now).await?;
    let lead = match new.lead {
        Some(lead) => Some(lead),
        None => win::only_open(&mut tx, new.customer, new.store, create::leads_until(new, now)).await?,
    };
    if let Some(lead) = lead {
        win::win(&mut tx, lead, new.customer, new.store, new.advisor, now).await?;
    }
    if let Some(known) = hand_over::at_hand(&mut tx, Which::Vin(&new.vin)).await? {
        // Nor is a VIN the key to a car: before the check, which tells what the odometer showed.
        if let Some(owner) = known.owner
            && !stores::is_visible(&mut tx, owner).await?
        {
            return Err(VehicleError::Elsewhere.into());
        }
        create::check(new, &known)?;
    }
    if let Some(plate) = &new.plate {
        create::check_plate(new, hand_over::plate_holder(&mut tx, plate, &new.vin).await?)?;
    }
    let id: DeliveryId = ctx.ids.next();
    let it = HandOver {
        delivery: id,
        vin: &new.vin,
        model: &new.model,
        trim: &new.trim,
        colour: &new.colour,
        plate: new.plate.as_deref(),
        owner: new.customer,
        odometer_km: new.odometer_km,
        store: new.store,
        time: new.deliver_time,
    };
    let vehicle = hand_over::hand_over(&mut tx, ctx.ids.next(), &it, now).await?;
    stores::deal(&mut tx, new.customer, Dealing::Delivery, now).await?;
    let written = insert(&mut tx, (id, vehicle, lead), new, key, now).await;
    let Some(row) = replay::unless_taken(written, "deliveries_request")? else { return Ok(None) };
    let delivery = row.to_proto();
    tell(&mut tx, ctx, caller, new, &row, &delivery, now).await?;
    tx.commit().await?;
    Ok(Some(delivery))
}

async fn insert(
    tx: &mut PgConnection,
    (id, vehicle, lead): (DeliveryId, VehicleId, Option<LeadId>),
    new: &NewDelivery,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<DeliveryRow, sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let row = DeliveryRow {
        id: id.uuid(),
        customer_id: new.customer.uuid(),
        store_id: new.store.uuid(),
        lead_id: lead.map(LeadId::uuid),
        vehicle_id: vehicle.uuid(),
        vin: new.vin.clone(),
        plate: new.plate.clone(),
        model: new.model.clone(),
        trim: new.trim.clone(),
        colour: new.colour.clone(),
        odometer_km: new.odometer_km,
        advisor_id: Some(new.advisor.uuid()),
        deliver_time: sql::at(new.deliver_time),
        request_hash: request_hash.map(<[u8]>::to_vec),
    };
    sqlx::query!(
        "INSERT INTO customer.deliveries (id, customer_id, store_id, lead_id, vehicle_id, vin, plate, model, trim, colour,
             odometer_km, advisor_id, deliver_time, create_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        row.id,
        row.customer_id,
        row.store_id,
        row.lead_id,
        row.vehicle_id,
        row.vin,
        row.plate,
        row.model,
        row.trim,
        row.colour,
        row.odometer_km,
        row.advisor_id,
        row.deliver_time as _,
        sql::at(now) as _,
        request_id,
        row.request_hash,
    )
    .execute(tx)
    .await?;
    Ok(row)
}

async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    new: &NewDelivery,
    row: &DeliveryRow,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<()> {
    let delivered = VehicleDelivered {
        delivery: delivery.name.clone(),
        customer: delivery.customer.clone(),
        store: delivery.store.clone(),
        vehicle: delivery.vehicle.clone(),
        lead: delivery.lead.clone(),
        advisor: delivery.advisor.clone(),
        deliver_time: delivery.deliver_time,
        odometer_km: delivery.odometer_km,
        imported: false,
    };
    let action = audit::Action {
        method: "CreateDelivery",
        resource: &delivery.name,
        store: Some(new.store),
        detail: serde_json::json!({
            "customer": delivery.customer, "vehicle": delivery.vehicle, "lead": delivery.lead,
        }),
    };
    record::change(tx, &ctx.ids, caller, now, NewEvent::new(&delivered, row.id, 1, Some(new.store)), action)
        .await
}
