//! A lead as it stands in the database.

use foursight_kernel::{CustomerId, Error, LeadId, StaffId, StoreId, sql::Timestamp, time};
use foursight_proto::customer::v1::{Lead, LeadGrade, LeadState};
use uuid::Uuid;

use crate::leads::state::LeadError;

pub(crate) struct LeadRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) store_id: Uuid,
    pub(crate) source: i16,
    pub(crate) intended_model: String,
    pub(crate) grade: i16,
    pub(crate) state: i16,
    pub(crate) owner_id: Uuid,
    pub(crate) next_follow_up_time: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) request_hash: Option<Vec<u8>>,
}

impl LeadRow {
    pub(crate) fn to_proto(&self) -> Lead {
        Lead {
            name: LeadId::from(self.id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            store: StoreId::from(self.store_id).name(),
            source: self.source.into(),
            intended_model: self.intended_model.clone(),
            grade: self.grade.into(),
            state: self.state.into(),
            owner: StaffId::from(self.owner_id).name(),
            next_follow_up_time: self.next_follow_up_time.map(|due| time::to_proto(due.to_jiff())),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            etag: self.etag(),
        }
    }

    /// What gives back who shows to know the lead as it is.
    pub(crate) fn etag(&self) -> String {
        format!("r{}", self.version)
    }

    /// A refusal that says how the lead was found, and so what others did meanwhile.
    pub(crate) fn as_found(&self, refused: LeadError) -> Error {
        let state = LeadState::try_from(i32::from(self.state)).unwrap_or_default().as_str_name();
        let grade = LeadGrade::try_from(i32::from(self.grade)).unwrap_or_default().as_str_name();
        let changed = self.update_time.to_jiff();
        Error::from(refused)
            .adding(format_args!("it is {state} with {grade} since {changed}"))
            .with_metadata("state", state)
            .with_metadata("grade", grade)
            .with_metadata("update_time", changed.to_string())
    }
}
