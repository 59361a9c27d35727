//! A car that stands in front of a member of staff: what the group knows of it, and its hand-over to an owner.
//!
//! Both go through functions of the database that look beyond the caller's stores, because a car is bought at one store
//! and comes to another.

use foursight_kernel::{CustomerId, DeliveryId, Error, Result, StoreId, VehicleId, sql, unique_violation};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{vehicles::VehicleError, visits::odometer::Shown};

/// What is known of a car. Its row is locked until the transaction ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtHand {
    pub(crate) owner: Option<CustomerId>,
    pub(crate) owned_since: Option<Timestamp>,
    /// The newest reading that counts.
    pub(crate) odometer: Option<Shown>,
}

/// Which car is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    Id(VehicleId),
    Vin(&'a str),
}

/// Looks a car up in the whole group.
pub(crate) async fn at_hand(tx: &mut PgConnection, which: Which<'_>) -> Result<Option<AtHand>> {
    let (id, vin) = match which {
        Which::Id(id) => (Some(id.uuid()), None),
        Which::Vin(vin) => (None, Some(vin)),
    };
    let row = sqlx::query!(
        "SELECT owner_id AS owner, owned_since, odometer_km, odometer_time FROM customer.vehicle_at_hand($1, $2)",
        id,
        vin,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| AtHand {
        owner: row.owner.map(CustomerId::from),
        owned_since: row.owned_since.map(sql::Timestamp::to_jiff),
        odometer: shown(row.odometer_km, row.odometer_time),
    }))
}

/// Whose other car this plate hangs on, in the whole group.
pub(crate) async fn plate_holder(
    tx: &mut PgConnection,
    plate: &str,
    vin: &str,
) -> Result<Option<CustomerId>> {
    let holder =
        sqlx::query_scalar!("SELECT customer.plate_holder($1, $2)", plate, vin).fetch_one(tx).await?;
    Ok(holder.map(CustomerId::from))
}

/// Refuses to take a plate from somebody else's car, where a slip would cost a stranger theirs, unless somebody has looked again.
pub(crate) fn taken(field: &str) -> Error {
    Error::invalid_field(
        field,
        "hangs on another customer's car, as far as the group knows; look at it again, and if it is right, send plate_confirmed",
    )
}

/// A reading, if there is one.
pub(super) fn shown(km: Option<i32>, at: Option<sql::Timestamp>) -> Option<Shown> {
    km.zip(at).map(|(km, at)| Shown { km, at: at.to_jiff() })
}

/// What is handed over, to whom, where and when.
#[derive(Debug)]
pub(crate) struct HandOver<'a> {
    pub(crate) delivery: DeliveryId,
    pub(crate) vin: &'a str,
    pub(crate) model: &'a str,
    pub(crate) trim: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) plate: Option<&'a str>,
    pub(crate) owner: CustomerId,
    pub(crate) odometer_km: i32,
    pub(crate) store: StoreId,
    pub(crate) time: Timestamp,
}

/// Writes the hand-over into the vehicle's file, which is opened under `fresh` when the VIN is new. Gives the file's id.
///
/// # Errors
/// `VEHICLE_JUST_DELIVERED` when it was handed over within the hour before: the database sees to it, whoever writes at once.
pub(crate) async fn hand_over(
    tx: &mut PgConnection,
    fresh: VehicleId,
    it: &HandOver<'_>,
    now: Timestamp,
) -> Result<VehicleId> {
    let vehicle = sqlx::query_scalar!(
        r#"SELECT customer.hand_over_vehicle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS "vehicle!""#,
        fresh.uuid(),
        it.vin,
        it.model,
        it.trim,
        it.colour,
        it.plate,
        it.owner.uuid(),
        it.odometer_km,
        it.delivery.uuid(),
        it.store.uuid(),
        sql::at(it.time) as _,
        sql::at(now) as _,
    )
    .fetch_one(tx)
    .await
    .map_err(|error| match unique_violation(&error) {
        Some("vehicle_handed_over") => VehicleError::JustDelivered.into(),
        _ => Error::from(error),
    })?;
    Ok(vehicle.into())
}
