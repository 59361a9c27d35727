//! What every operation of this room works with.

use std::sync::Arc;

use foursight_kernel::{Ids, SharedClock};
use foursight_runtime::{Database, Together};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    customers::{FilesById, KeyRing, Lookups},
    staff::Colleagues,
    store_days::StoreDays,
    vehicles::vin::VinRule,
};

/// Database, clock, ids, keys, and who the staff are. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) db: Database,
    /// The files that are read by id.
    pub(crate) files: Together<FilesById>,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) lookups: Lookups,
    pub(crate) staff: Colleagues,
    pub(crate) days: StoreDays,
    pub(crate) vins: VinRule,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The latest date that it is anywhere on Earth: what is later than that is in the future for everybody.
    pub(crate) fn today(&self) -> Date {
        let ahead =
            self.now().saturating_add(jiff::SignedDuration::from_hours(14)).unwrap_or_else(|_| self.now());
        ahead.to_zoned(TimeZone::UTC).date()
    }
}
