//! The car at the counter: one whose owner the caller sees, by its id; any other by what it and its driver bring.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, StoreId, VehicleId, Violations, sql};
use foursight_proto::customer::v1::{ContactKind, PresentedCar};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    contacts::ContactValue,
    context::Context,
    customers::{
        stores,
        tries::{self, Try},
    },
    vehicles::{
        VehicleError,
        hand_over::{self, AtHand, Which},
        plate,
    },
};

const NOT_RECOGNISED: Try = Try { method: "FindVehicle", reason: "VEHICLE_NOT_FOUND" };

/// Which car is meant.
#[derive(Debug)]
pub(crate) enum Car {
    Known(VehicleId),
    Presented(Presented),
}

/// What a car and its driver say of it; plate or phone is there.
#[derive(Debug)]
pub(crate) struct Presented {
    vin: String,
    plate: Option<String>,
    phone_hash: Option<Vec<u8>>,
}

impl Presented {
    /// Reads it at `path` of a request.
    pub(crate) fn parse(v: &mut Violations, path: &str, car: &PresentedCar, ctx: &Context) -> Option<Self> {
        let vin =
            ctx.vins.read(&car.vin).map_err(|error| v.push(format!("{path}.vin"), error.to_string())).ok();
        let plate = (!car.plate.is_empty()).then(|| plate::normalize(&car.plate)).transpose();
        let plate = plate.map_err(|error| v.push(format!("{path}.plate"), error.to_string()));
        let phone = (!car.phone.is_empty()).then(|| ContactValue::parse(ContactKind::Phone, &car.phone));
        let phone = phone.transpose().map_err(|description| v.push(format!("{path}.phone"), description));
        if car.plate.is_empty() && car.phone.is_empty() {
            v.push(format!("{path}.plate"), "is required, or the owner's phone: a VIN alone opens nothing");
        }
        let phone_hash = phone.ok()?.and_then(|phone| ctx.keys.contact_hash(&phone));
        Some(Self { vin: vin?, plate: plate.ok()?, phone_hash })
    }
}

/// The car at the counter.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) vehicle: VehicleId,
    pub(crate) known: AtHand,
    /// What agreed with a car that was brought, by kinds.
    pub(crate) confirmed_by: Vec<&'static str>,
}

/// Why there is no car.
pub(crate) enum NoCar {
    /// What was brought fits none. Nothing was written but a note of this try, which is to be committed.
    NotRecognised,
    /// Anything else.
    Other(Error),
}

impl<E: Into<Error>> From<E> for NoCar {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// The car and what is known of it. Its row is locked until the transaction ends. One that was brought and fits none counts as a try.
///
/// # Errors
/// Those of [`find_known`]; `TOO_MANY_TRIES` after too many that fitted none.
pub(crate) async fn find(
    tx: &mut PgConnection,
    caller: &Principal,
    car: &Car,
    store: StoreId,
    now: Timestamp,
) -> Result<Found, NoCar> {
    let presented = match car {
        Car::Known(id) => {
            let known = find_known(tx, *id).await?;
            return Ok(Found { vehicle: *id, known, confirmed_by: Vec::new() });
        }
        Car::Presented(presented) => presented,
    };
    let phone: Vec<Vec<u8>> = presented.phone_hash.iter().cloned().collect();
    tries::admit(tx, caller, phone.clone(), now).await?;
    if let Some(found) = recognised(tx, presented).await? {
        return Ok(found);
    }
    tries::failed(tx, caller, NOT_RECOGNISED, store, &phone, now).await?;
    Err(NoCar::NotRecognised)
}

/// What is known of a car whose owner the caller sees. Its row is locked until the transaction ends.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`; `VEHICLE_ELSEWHERE` for a car that the caller knows and that belongs to a stranger by now.
pub(crate) async fn find_known(tx: &mut PgConnection, id: VehicleId) -> Result<AtHand> {
    if !is_visible(tx, id).await? {
        return Err(VehicleError::NotFound.into());
    }
    let known = hand_over::at_hand(tx, Which::Id(id)).await?.ok_or(VehicleError::NotFound)?;
    match known.owner {
        Some(owner) if !stores::is_visible(tx, owner).await? => Err(VehicleError::Elsewhere.into()),
        Some(_) | None => Ok(known),
    }
}

/// Refuses what is about a car that the transaction's caller does not see.
///
/// # Errors
/// `VEHICLE_NOT_FOUND` when so.
pub(crate) async fn require_visible(tx: &mut PgConnection, vehicle: VehicleId) -> Result<()> {
    if is_visible(tx, vehicle).await? { Ok(()) } else { Err(VehicleError::NotFound.into()) }
}

async fn is_visible(tx: &mut PgConnection, vehicle: VehicleId) -> Result<bool> {
    let visible = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer.vehicles WHERE id = $1) AS "visible!""#,
        vehicle.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(visible)
}

/// The car in the whole group that has the VIN and what was brought with it.
async fn recognised(tx: &mut PgConnection, car: &Presented) -> Result<Option<Found>> {
    let row = sqlx::query!(
        r#"SELECT vehicle_id AS "id!", owner_id AS owner, owned_since, odometer_km, odometer_time,
                  by_plate AS "by_plate!", by_phone AS "by_phone!"
           FROM customer.vehicle_recognised($1, $2, $3)"#,
        car.vin,
        car.plate,
        car.phone_hash,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| {
        let signs = [("VIN", true), ("PLATE", row.by_plate), ("PHONE", row.by_phone)];
        Found {
            vehicle: row.id.into(),
            known: AtHand {
                owner: row.owner.map(CustomerId::from),
                owned_since: row.owned_since.map(sql::Timestamp::to_jiff),
                odometer: hand_over::shown(row.odometer_km, row.odometer_time),
            },
            confirmed_by: signs.into_iter().filter(|(_, agrees)| *agrees).map(|(sign, _)| sign).collect(),
        }
    }))
}
