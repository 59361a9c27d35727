//! A delivery as it stands in the database.

use foursight_kernel::{CustomerId, DeliveryId, LeadId, StaffId, StoreId, VehicleId, sql::Timestamp, time};
use foursight_proto::customer::v1::Delivery;
use uuid::Uuid;

pub(crate) struct DeliveryRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) store_id: Uuid,
    pub(crate) lead_id: Option<Uuid>,
    pub(crate) vehicle_id: Uuid,
    pub(crate) vin: String,
    pub(crate) plate: Option<String>,
    pub(crate) model: String,
    pub(crate) trim: String,
    pub(crate) colour: String,
    pub(crate) odometer_km: i32,
    /// Absent where an import did not tell it.
    pub(crate) advisor_id: Option<Uuid>,
    pub(crate) deliver_time: Timestamp,
    pub(crate) request_hash: Option<Vec<u8>>,
}

impl DeliveryRow {
    pub(crate) fn to_proto(&self) -> Delivery {
        Delivery {
            name: DeliveryId::from(self.id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            store: StoreId::from(self.store_id).name(),
            lead: self.lead_id.map_or_else(String::new, |lead| LeadId::from(lead).name()),
            vin: self.vin.clone(),
            plate: self.plate.clone().unwrap_or_default(),
            model: self.model.clone(),
            trim: self.trim.clone(),
            colour: self.colour.clone(),
            odometer_km: self.odometer_km,
            advisor: self.advisor_id.map_or_else(String::new, |advisor| StaffId::from(advisor).name()),
            deliver_time: Some(time::to_proto(self.deliver_time.to_jiff())),
            vehicle: VehicleId::from(self.vehicle_id).name(),
            odometer_confirmed: false,
            plate_confirmed: false,
        }
    }
}
