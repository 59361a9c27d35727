//! What an event becomes on the timeline.

use std::collections::BTreeMap;

use foursight_kernel::CustomerId;
use foursight_messaging::{HandleError, Received};

use crate::timeline::{
    from_complaint, from_customer, from_merges, from_notification, from_people, from_relations,
};

/// An entry, but for what every event has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) customer: CustomerId,
    pub(crate) kind: &'static str,
    pub(crate) resource: String,
    pub(crate) details: BTreeMap<String, String>,
    /// Where the kind stands among what happens at one instant: a file is opened before somebody is received. Within one
    /// aggregate it never contradicts the versions.
    pub(crate) rank: Rank,
}

/// The kinds of entries; the table in `timeline` says what each has. The last two are events that are newer than the program.
pub(crate) const KINDS: [&str; 47] = [
    "CUSTOMER_CREATED",
    "CUSTOMER_UPDATED",
    "CUSTOMERS_MERGED",
    "CUSTOMERS_UNMERGED",
    "CONTACT_POINT_ADDED",
    "CONTACT_POINT_ENDED",
    "CUSTOMER_TAGGED",
    "GROUP_JOINED",
    "GROUP_LEFT",
    "VALUE_TIER_CHANGED",
    "STAGE_CORRECTED",
    "STAGE_MOVED",
    "CONSENT_RECORDED",
    "RECEPTION_CREATED",
    "LEAD_CREATED",
    "LEAD_GRADED",
    "LEAD_ASSIGNED",
    "LEAD_RELEASED",
    "LEAD_LOST",
    "VEHICLE_DELIVERED",
    "VISIT_STARTED",
    "VISIT_COMPLETED",
    "ODOMETER_CORRECTED",
    "PLATE_CORRECTED",
    "VEHICLE_UPDATED",
    "VEHICLE_PERSON_ADDED",
    "VEHICLE_PERSON_ENDED",
    "RELATION_ADDED",
    "RELATION_ENDED",
    "CALL_TASK_PLANNED",
    "CALL_ATTEMPTED",
    "CALL_TASK_COMPLETED",
    "MESSAGE_PLANNED",
    "MESSAGE_SENT",
    "MESSAGE_SUPPRESSED",
    "MESSAGE_FAILED",
    "CASE_OPENED",
    "CASE_ASSIGNED",
    "CASE_REPLIED",
    "CASE_HANDLED",
    "CASE_RESULT_TOLD",
    "CASE_REOPENED",
    "CASE_CLOSED",
    "CASE_RELEASED",
    "CLOCK_BREACHED",
    "CASE_ADVANCED",
    "MESSAGE_DECIDED",
];

/// What comes first when the clock cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    File = 0,
    Consent = 1,
    Reception = 2,
    Lead = 3,
    Delivery = 4,
    Visit = 5,
    Task = 6,
    Case = 7,
    Message = 8,
}

impl Entry {
    /// What an event says of a customer; `None` when it is of none.
    pub(crate) fn from_event(event: &Received) -> Result<Option<Self>, HandleError> {
        if let Some(entry) = from_customer::entry(event)? {
            return Ok(Some(entry));
        }
        if let Some(entry) = from_merges::entry(event)? {
            return Ok(Some(entry));
        }
        if let Some(entry) = from_notification::entry(event)? {
            return Ok(Some(entry));
        }
        from_complaint::entry(event)
    }

    /// What it says of another customer besides: of who has a part at somebody's car, or belongs to somebody. None of most events.
    pub(crate) fn of_other(event: &Received) -> Result<Option<Self>, HandleError> {
        if let Some(entry) = from_merges::of_other(event)? {
            return Ok(Some(entry));
        }
        if let Some(entry) = from_relations::of_other(event)? {
            return Ok(Some(entry));
        }
        from_people::of_other(event)
    }

    /// An entry of the customer of this name; `None` when the name is empty or no customer's (anonymous cases).
    pub(crate) fn of(
        customer: &str,
        kind: &'static str,
        rank: Rank,
        resource: String,
        details: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Option<Self> {
        debug_assert!(KINDS.contains(&kind), "{kind} is not among the kinds that lists are asked for");
        let customer = CustomerId::parse_name(customer).ok()?;
        let details = details
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        Some(Self { customer, kind, resource, details, rank })
    }

    /// Orders entries of one instant: by what happens first, and by the aggregate's version where that is the same.
    pub(crate) fn place(&self, version: i64) -> i64 {
        const VERSIONS: i64 = 1 << 40;
        self.rank as i64 * VERSIONS + version.clamp(0, VERSIONS - 1)
    }
}

/// An enum's value without the enum's name in front: `LEAD_GRADE_H` is `H`. Empty for unknown and unspecified ones.
pub(crate) fn code<E: TryFrom<i32>>(value: i32, name: fn(&E) -> &'static str, prefix: &str) -> String {
    match E::try_from(value) {
        Ok(known) if value != 0 => name(&known).strip_prefix(prefix).unwrap_or(name(&known)).to_owned(),
        Ok(_) | Err(_) => String::new(),
    }
}
