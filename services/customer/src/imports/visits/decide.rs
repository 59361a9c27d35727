//! What becomes of a row of visits. Pure.

use foursight_kernel::sql;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    imports::{
        history,
        reading::begin_of,
        reason::{Code, Reason},
        vehicles::{
            fields::{ODOMETER_KM, PLATE, VIN},
            on_file::OnFile,
        },
    },
    visits::odometer::{self, Shown},
};

use super::told::Told;

/// A visit that is on file.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) kind: i16,
    pub(super) check_in: Timestamp,
    pub(super) odometer_km: i32,
    pub(super) amount_fen: Option<i64>,
}

/// A car with what has happened to it.
pub(super) struct Car {
    pub(super) on_file: OnFile,
    pub(super) visits: Vec<Known>,
    /// Whose it was from when on until when.
    pub(super) owners: Vec<(Uuid, Timestamp, Option<Timestamp>)>,
}

/// What becomes of a row.
pub(super) enum Fate {
    /// A visit of this customer, at this time, until then.
    New {
        customer: Uuid,
        check_in: Timestamp,
        hand_over: Timestamp,
    },
    Unchanged(Uuid),
    Wrong(Reason),
    Conflict(Reason, Option<Uuid>),
}

/// What becomes of a row that is about this car; what is on record of a visit stays as it is.
pub(super) fn decide(told: &Told, car: Option<&Car>, customer: Option<Uuid>) -> Fate {
    let field = if told.vin.is_some() { VIN } else { PLATE };
    let Some(car) = car else { return Fate::Wrong(Reason::at(field, Code::VehicleUnknown)) };
    if !car.on_file.seen {
        return Fate::Conflict(Reason::at(field, Code::Elsewhere), None);
    }
    let (Some(check_in), Some(hand_over)) = (begin_of(told.day), begin_of(told.out)) else {
        return Fate::Wrong(Reason::of(Code::Internal));
    };
    let then = car
        .owners
        .iter()
        .find(|(_, since, until)| *since <= check_in && until.is_none_or(|until| check_in < until));
    // Of the time before it was brought in, who owns it now is the best that is known.
    let owner = then.map(|(owner, ..)| *owner).or(car.on_file.owner);
    let Some(customer) = customer.or(owner) else {
        return Fate::Wrong(Reason::at(field, Code::VehicleUnknown));
    };
    let same = |one: &&Known| one.kind == sql::number(told.kind) && history::day_of(one.check_in) == told.day;
    if let Some(known) = car.visits.iter().find(same) {
        let amount = told.amount_fen.is_none_or(|fen| known.amount_fen == Some(fen));
        return if amount && known.odometer_km == told.odometer_km {
            Fate::Unchanged(customer)
        } else {
            Fate::Conflict(Reason::of(Code::RecordDiffers), Some(customer))
        };
    }
    let shown = Shown { km: told.odometer_km, at: check_in };
    match odometer::fits(shown, &car.on_file.readings) {
        Ok(()) => Fate::New { customer, check_in, hand_over },
        Err(misfit) => Fate::Conflict(Reason::at(ODOMETER_KM, Code::of_misfit(misfit)), Some(customer)),
    }
}
