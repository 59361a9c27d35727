//! The car at the counter: one whose owner the caller sees, by its id; any other by what it and its driver bring.

use foursight_kernel::{CustomerId, Result, VehicleId, Violations, sql};
use foursight_proto::customer::v1::{ContactKind, PresentedCar};
use sqlx::PgConnection;

use crate::{
    contacts::ContactValue,
    customers::{KeyRing, stores},
    vehicles::{
        VehicleError,
        hand_over::{self, AtHand, Which},
        plate, vin,
    },
};

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
    pub(crate) fn parse(v: &mut Violations, path: &str, car: &PresentedCar, keys: &KeyRing) -> Option<Self> {
        let vin =
            vin::normalize(&car.vin).map_err(|error| v.push(format!("{path}.vin"), error.to_string())).ok();
        let plate = (!car.plate.is_empty()).then(|| plate::normalize(&car.plate)).transpose();
        let plate = plate.map_err(|error| v.push(format!("{path}.plate"), error.to_string()));
        let phone = (!car.phone.is_empty()).then(|| ContactValue::parse(ContactKind::Phone, &car.phone));
        let phone = phone.transpose().map_err(|description| v.push(format!("{path}.phone"), description));
        if car.plate.is_empty() && car.phone.is_empty() {
            v.push(format!("{path}.plate"), "is required, or the owner's phone: a VIN alone opens nothing");
        }
        let phone_hash = phone.ok()?.and_then(|phone| keys.contact_hash(&phone));
        Some(Self { vin: vin?, plate: plate.ok()?, phone_hash })
    }
}

/// The car and what is known of it. Its row is locked until the transaction ends.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`; `VEHICLE_ELSEWHERE` for a car that the caller knows and that belongs to a stranger by now.
pub(crate) async fn find(tx: &mut PgConnection, car: &Car) -> Result<(VehicleId, AtHand)> {
    match car {
        Car::Known(id) => {
            if !is_visible(tx, *id).await? {
                return Err(VehicleError::NotFound.into());
            }
            let known = hand_over::at_hand(tx, Which::Id(*id)).await?.ok_or(VehicleError::NotFound)?;
            match known.owner {
                Some(owner) if !stores::is_visible(tx, owner).await? => Err(VehicleError::Elsewhere.into()),
                Some(_) | None => Ok((*id, known)),
            }
        }
        Car::Presented(presented) => {
            Ok(recognised(tx, presented).await?.ok_or(VehicleError::NotRecognised)?)
        }
    }
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
async fn recognised(tx: &mut PgConnection, car: &Presented) -> Result<Option<(VehicleId, AtHand)>> {
    let row = sqlx::query!(
        r#"SELECT vehicle_id AS "id!", owner_id AS owner, owned_since, odometer_km, odometer_time
           FROM customer.vehicle_presented($1, $2, $3)"#,
        car.vin,
        car.plate,
        car.phone_hash,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| {
        let known = AtHand {
            owner: row.owner.map(CustomerId::from),
            owned_since: row.owned_since.map(sql::Timestamp::to_jiff),
            odometer: hand_over::shown(row.odometer_km, row.odometer_time),
        };
        (row.id.into(), known)
    }))
}
