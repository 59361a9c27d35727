//! What a row makes of a car, on file or new. Pure.

use foursight_proto::customer::v1::Vehicle;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    imports::reason::{Code, Reason},
    vehicles::facts::{self, Field},
    visits::odometer::{self, Misfit, Shown},
};

use super::{
    fields::{MODEL, ODOMETER_KM, PLATE, VIN},
    on_file::OnFile,
    told::Told,
};

/// What is to be written of a car.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Change {
    /// Facts that differ.
    pub(super) fields: Vec<Field>,
    /// The plate that hangs on it from now on.
    pub(super) plate: Option<String>,
    /// Who owns it, where nobody does, and since when.
    pub(super) owner: Option<(Uuid, Timestamp)>,
    /// When it was handed over, where that is not on file.
    pub(super) delivered: Option<Timestamp>,
    /// What the odometer showed: kilometres, and when.
    pub(super) reading: Option<(i32, Timestamp)>,
}

impl Change {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a row is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The row is wrong.
    Wrong(Reason),
    /// It does not fit what is on file, of a customer who may be named.
    Conflict(Reason, Option<Uuid>),
}

/// What the row makes of the car: of the one that is on file, or of a new one.
pub(super) fn decide(
    told: &Told,
    on_file: Option<&OnFile>,
    owner: Option<Uuid>,
    plate_holder: Option<Uuid>,
    now: Timestamp,
) -> Result<Change, Refusal> {
    let conflict =
        |field, code| Refusal::Conflict(Reason::at(field, code), on_file.and_then(|car| car.owner));
    let nothing = Vehicle::default();
    let car = on_file.map_or(&nothing, |on_file| &on_file.car);
    let held = on_file.and_then(|on_file| on_file.owner);
    if let Some(on_file) = on_file {
        // Of another store's car nothing more is said.
        if !on_file.seen {
            return Err(Refusal::Conflict(Reason::at(VIN, Code::Elsewhere), None));
        }
        if on_file.owner.is_some() && owner.is_some() && on_file.owner != owner {
            return Err(conflict(VIN, Code::OtherOwner));
        }
    }
    if held.is_none() && owner.is_none() {
        return Err(Refusal::Wrong(Reason::at("owner_name", Code::Missing)));
    }
    if car.model.is_empty() && told.facts.model.is_empty() {
        return Err(Refusal::Wrong(Reason::at(MODEL, Code::Missing)));
    }
    if plate_holder.is_some_and(|holder| on_file.map(|car| car.id.uuid()) != Some(holder)) {
        return Err(conflict(PLATE, Code::PlateElsewhere));
    }
    let readings = on_file.map(|car| car.readings.as_slice()).unwrap_or_default();
    let reading =
        reading(told, readings, now).map_err(|misfit| conflict(ODOMETER_KM, Code::of_misfit(misfit)))?;
    let differs = |field: &Field| facts::only(car, *field) != facts::only(&told.facts, *field);
    let since = told.since().unwrap_or(now).min(now);
    let since = on_file.and_then(|car| car.owned_until).map_or(since, |until| until.max(since));
    Ok(Change {
        fields: told.fields.iter().copied().filter(differs).collect(),
        plate: told.plate.clone().filter(|plate| *plate != car.plate),
        owner: owner.filter(|_| held.is_none()).map(|owner| (owner, since)),
        delivered: told.delivered.filter(|_| car.deliver_time.is_none()),
        reading,
    })
}

/// The reading that is not on file yet. One without a day is of now, unless the car has shown just that.
fn reading(told: &Told, on_file: &[Shown], now: Timestamp) -> Result<Option<(i32, Timestamp)>, Misfit> {
    let Some((km, at)) = told.odometer else { return Ok(None) };
    let is_it = |shown: &Shown| shown.km == km && at.is_none_or(|at| at == shown.at);
    if on_file.iter().any(is_it) {
        return Ok(None);
    }
    // What is said of no day is of now: behind all that is on file.
    let newest = on_file.iter().max_by_key(|shown| (shown.at, shown.km));
    if at.is_none() && newest.is_some_and(|newest| newest.km > km) {
        return Err(Misfit::Back);
    }
    let at = at.unwrap_or(now);
    odometer::fits(Shown { km, at }, on_file)?;
    Ok(Some((km, at)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T09:30:00Z".parse().unwrap()
    }

    fn told() -> Told {
        Told {
            vin: "1M8GDM9AXKP042788".to_owned(),
            plate: Some("浙A12345".to_owned()),
            facts: Vehicle {
                model: "远山 S7".to_owned(), colour: "墨绿".to_owned(), ..Vehicle::default()
            },
            fields: vec![Field::Model, Field::Colour],
            delivered: None,
            odometer: Some((5_000, None)),
            owner: None,
            content: 0,
        }
    }

    fn on_file() -> OnFile {
        OnFile {
            id: Uuid::from_u128(1).into(),
            version: 1,
            car: Vehicle { plate: "浙A12345".to_owned(), ..told().facts },
            owner: Some(Uuid::from_u128(7)),
            owned_until: None,
            seen: true,
            readings: vec![Shown { km: 5_000, at: "2026-01-01T00:00:00Z".parse().unwrap() }],
        }
    }

    fn code(refusal: Result<Change, Refusal>) -> String {
        match refusal.unwrap_err() {
            Refusal::Wrong(reason) | Refusal::Conflict(reason, _) => reason.code,
        }
    }

    #[test]
    fn what_is_on_file_changes_nothing_and_what_differs_changes() {
        assert!(decide(&told(), Some(&on_file()), None, Some(Uuid::from_u128(1)), now()).unwrap().is_none());
        let mut row = told();
        (row.facts.colour, row.odometer) = ("银".to_owned(), Some((6_000, None)));
        let change = decide(&row, Some(&on_file()), Some(Uuid::from_u128(7)), None, now()).unwrap();
        assert_eq!((change.fields, change.reading), (vec![Field::Colour], Some((6_000, now()))));
        assert_eq!((change.plate, change.owner), (None, None));
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let other = Some(Uuid::from_u128(9));
        assert_eq!(code(decide(&told(), None, None, None, now())), "MISSING");
        assert_eq!(code(decide(&told(), Some(&on_file()), other, None, now())), "OTHER_OWNER");
        assert_eq!(code(decide(&told(), Some(&on_file()), None, other, now())), "PLATE_ELSEWHERE");
        assert_eq!(code(decide(&told(), None, other, other, now())), "PLATE_ELSEWHERE");
        let row = Told { odometer: Some((4_000, None)), ..told() };
        assert_eq!(code(decide(&row, Some(&on_file()), None, None, now())), "ODOMETER_BACK");
        let hidden = OnFile { seen: false, ..on_file() };
        let refusal = decide(&told(), Some(&hidden), other, other, now()).unwrap_err();
        assert_eq!(refusal, Refusal::Conflict(Reason::at(VIN, Code::Elsewhere), None));
    }
}
