//! A visit as it stands in the database.

use foursight_kernel::{CustomerId, StaffId, StoreId, VehicleId, VisitId, sql::Timestamp, time};
use foursight_proto::customer::v1::Visit;
use uuid::Uuid;

use crate::visits::state;

pub(crate) struct VisitRow {
    pub(crate) id: Uuid,
    pub(crate) store_id: Uuid,
    pub(crate) vehicle_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) kind: i16,
    pub(crate) state: i16,
    pub(crate) odometer_km: i32,
    /// Absent where an import did not tell it.
    pub(crate) advisor_id: Option<Uuid>,
    pub(crate) promise_time: Option<Timestamp>,
    pub(crate) check_in_time: Timestamp,
    pub(crate) hand_over_time: Option<Timestamp>,
    pub(crate) amount_fen: Option<i64>,
    pub(crate) version: i64,
    pub(crate) request_hash: Option<Vec<u8>>,
}

impl VisitRow {
    pub(crate) fn to_proto(&self) -> Visit {
        Visit {
            name: VisitId::from(self.id).name(),
            store: StoreId::from(self.store_id).name(),
            vehicle: VehicleId::from(self.vehicle_id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            kind: self.kind.into(),
            state: self.state.into(),
            odometer_km: self.odometer_km,
            advisor: self.advisor_id.map_or_else(String::new, |advisor| StaffId::from(advisor).name()),
            promise_time: self.promise_time.map(|at| time::to_proto(at.to_jiff())),
            check_in_time: Some(time::to_proto(self.check_in_time.to_jiff())),
            hand_over_time: self.hand_over_time.map(|at| time::to_proto(at.to_jiff())),
            amount: self.amount_fen.map(state::to_money),
            presented_car: None,
            odometer_confirmed: false,
            etag: self.etag(),
        }
    }

    /// What gives back who shows to know the visit as it is.
    pub(crate) fn etag(&self) -> String {
        format!("r{}", self.version)
    }
}
