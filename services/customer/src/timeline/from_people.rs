//! Entries from what this service tells of the people around a car: one of the owner, and one of who it is.

use foursight_messaging::{HandleError, Received};
use foursight_proto::customer::{
    events::v1::{VehiclePersonAdded, VehiclePersonEnded},
    v1::VehicleRole,
};

use crate::timeline::entry::{Entry, Rank, code};

/// A part, as both events tell it.
struct Part {
    kind: &'static str,
    vehicle: String,
    owner: String,
    other: String,
    role: i32,
}

fn part(event: &Received) -> Result<Option<Part>, HandleError> {
    if let Some(it) = event.decode::<VehiclePersonAdded>()? {
        let kind = "VEHICLE_PERSON_ADDED";
        return Ok(Some(Part {
            kind,
            vehicle: it.vehicle,
            owner: it.customer,
            other: it.other,
            role: it.role,
        }));
    }
    if let Some(it) = event.decode::<VehiclePersonEnded>()? {
        let kind = "VEHICLE_PERSON_ENDED";
        return Ok(Some(Part {
            kind,
            vehicle: it.vehicle,
            owner: it.customer,
            other: it.other,
            role: it.role,
        }));
    }
    Ok(None)
}

impl Part {
    fn of(self, customer: &str) -> Option<Entry> {
        let role = code(self.role, VehicleRole::as_str_name, "VEHICLE_ROLE_");
        Entry::of(customer, self.kind, Rank::Visit, self.vehicle, [("role", role), ("customer", self.other)])
    }
}

/// Of the car's owner.
pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    Ok(part(event)?.and_then(|part| {
        let owner = part.owner.clone();
        part.of(&owner)
    }))
}

/// Of who it is.
pub(super) fn of_other(event: &Received) -> Result<Option<Entry>, HandleError> {
    Ok(part(event)?.and_then(|part| {
        let other = part.other.clone();
        part.of(&other)
    }))
}
