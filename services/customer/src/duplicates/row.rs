//! A pair as it stands in the database.

use std::collections::HashMap;

use foursight_access::Principal;
use foursight_kernel::{CustomerId, DuplicateId, StaffId, sql, time};
use foursight_proto::customer::v1::{Customer, Duplicate};
use uuid::Uuid;

pub(super) struct PairRow {
    pub(super) id: Uuid,
    pub(super) low_id: Uuid,
    pub(super) high_id: Uuid,
    pub(super) probability: f64,
    pub(super) signs: Vec<i16>,
    pub(super) state: i16,
    pub(super) find_time: sql::Timestamp,
    pub(super) store_id: Option<Uuid>,
    pub(super) staff_id: Option<Uuid>,
    pub(super) decide_time: Option<sql::Timestamp>,
    pub(super) reason: String,
}

impl PairRow {
    /// With those of these files that are there; of the others the names.
    pub(super) fn into_proto(self, caller: &Principal, files: &HashMap<Uuid, Customer>) -> Duplicate {
        let file = |id: Uuid| {
            let name = || Customer { name: CustomerId::from(id).name(), ..Customer::default() };
            files.get(&id).cloned().unwrap_or_else(name)
        };
        // Who it was is its store's business.
        let ours = self.store_id.is_some_and(|store| caller.reaches(store.into()));
        Duplicate {
            name: DuplicateId::from(self.id).name(),
            customers: vec![file(self.low_id), file(self.high_id)],
            probability: self.probability,
            signs: self.signs.into_iter().map(i32::from).collect(),
            state: self.state.into(),
            find_time: Some(time::to_proto(self.find_time.to_jiff())),
            staff: self.staff_id.filter(|_| ours).map(|id| StaffId::from(id).name()).unwrap_or_default(),
            decide_time: self.decide_time.map(|at| time::to_proto(at.to_jiff())),
            reason: if ours { self.reason } else { String::new() },
        }
    }
}
