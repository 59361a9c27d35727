//! Stores: where they are and when they work.

pub(crate) mod calendar;
pub(crate) mod create;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update_calendar;

use foursight_kernel::StoreId;
use foursight_proto::identity::{events::v1::StoreChanged, v1 as proto};
use sqlx::types::Json;

use self::calendar::{Calendar, Hours};

/// A store as its row has it.
#[derive(Debug, Clone)]
pub(crate) struct StoreRecord {
    pub(crate) id: StoreId,
    pub(crate) code: String,
    pub(crate) display_name: String,
    pub(crate) region: String,
    pub(crate) city: String,
    pub(crate) time_zone: String,
    pub(crate) calendar: Json<Hours>,
    pub(crate) version: i64,
    pub(crate) request_hash: Option<Vec<u8>>,
}

impl StoreRecord {
    fn calendar(&self) -> proto::Calendar {
        Calendar { time_zone: self.time_zone.clone(), hours: self.calendar.0.clone() }.to_proto()
    }

    pub(crate) fn to_proto(&self) -> proto::Store {
        proto::Store {
            name: self.id.name(),
            code: self.code.clone(),
            display_name: self.display_name.clone(),
            region: self.region.clone(),
            city: self.city.clone(),
            calendar: Some(self.calendar()),
        }
    }

    pub(crate) fn to_event(&self) -> StoreChanged {
        StoreChanged {
            store: self.id.name(),
            code: self.code.clone(),
            display_name: self.display_name.clone(),
            region: self.region.clone(),
            city: self.city.clone(),
            calendar: Some(self.calendar()),
        }
    }
}
