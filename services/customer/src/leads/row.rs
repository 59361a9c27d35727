//! A lead as it stands in the database.

use foursight_kernel::{CustomerId, LeadId, StaffId, StoreId, sql::Timestamp, time};
use foursight_proto::customer::v1::Lead;
use uuid::Uuid;

pub(crate) struct LeadRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) store_id: Uuid,
    pub(crate) source: i16,
    pub(crate) intended_model: String,
    pub(crate) grade: i16,
    pub(crate) state: i16,
    /// Who has it, or had it last.
    pub(crate) owner_id: Uuid,
    /// Since when nobody has it.
    pub(crate) release_time: Option<Timestamp>,
    pub(crate) next_follow_up_time: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) request_hash: Option<Vec<u8>>,
}

impl LeadRow {
    /// Whose it is; `None` when nobody has it.
    pub(crate) fn owner(&self) -> Option<StaffId> {
        self.release_time.is_none().then_some(StaffId::from(self.owner_id))
    }

    pub(crate) fn to_proto(&self) -> Lead {
        Lead {
            name: LeadId::from(self.id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            store: StoreId::from(self.store_id).name(),
            source: self.source.into(),
            intended_model: self.intended_model.clone(),
            grade: self.grade.into(),
            state: self.state.into(),
            owner: self.owner().map(StaffId::name).unwrap_or_default(),
            next_follow_up_time: self.next_follow_up_time.map(|due| time::to_proto(due.to_jiff())),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
        }
    }
}
