//! The rows of a batch, in clear.

use foursight_kernel::{
    ConsentId, CustomerId, DeliveryId, LeadId, ReceptionId, RelationId, SegmentId, StaffId, StoreId, TagId,
    VehicleId, VisitId,
};
use foursight_proto::customer::v1::{
    ConsentState, ContactKind, CustomerGroup, CustomerKind, Gender, LeadGrade, LeadState, LifeCycleStage,
    Purpose, ReceptionKind, RelationKind, SegmentCondition, SourceChannel, VehicleRole, VisitKind,
};
use jiff::{Timestamp, civil::Date};
use secrecy::SecretString;

/// What is loaded together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Files.
    pub customers: Vec<CustomerRow>,
    /// What they allow.
    pub consents: Vec<ConsentRow>,
    /// Cars.
    pub vehicles: Vec<VehicleRow>,
    /// Whose they are and were.
    pub ownerships: Vec<OwnershipRow>,
    /// Their plates.
    pub plates: Vec<PlateRow>,
    /// The reception register.
    pub receptions: Vec<ReceptionRow>,
    /// Leads.
    pub leads: Vec<LeadRow>,
    /// Deliveries; each is an odometer reading, too.
    pub deliveries: Vec<DeliveryRow>,
    /// Visits; each is an odometer reading, too.
    pub visits: Vec<VisitRow>,
    /// Tags that customers have.
    pub tags: Vec<CustomerTagRow>,
    /// Groups that customers are in, at most one of each customer.
    pub memberships: Vec<MembershipRow>,
    /// What customers are to each other.
    pub relations: Vec<RelationRow>,
    /// Who has a part at a car.
    pub people: Vec<PersonRow>,
    /// What stands in cars' papers.
    pub papers: Vec<PapersRow>,
}

/// A way to reach a customer, in clear.
#[derive(Debug, Clone)]
pub struct ContactRow {
    /// What it is.
    pub kind: ContactKind,
    /// The value as the API would take it.
    pub value: SecretString,
}

/// A customer's file.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Customer")]
pub struct CustomerRow {
    pub id: CustomerId,
    pub kind: CustomerKind,
    pub display_name: String,
    pub gender: Gender,
    pub birthday: Option<Date>,
    pub national_id: Option<SecretString>,
    pub contacts: Vec<ContactRow>,
    pub store: StoreId,
    /// Other stores that serve the customer.
    pub other_stores: Vec<StoreId>,
    pub source: SourceChannel,
    pub stage: LifeCycleStage,
    pub create_time: Timestamp,
}

/// A record of consent.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Consent")]
pub struct ConsentRow {
    pub id: ConsentId,
    pub customer: CustomerId,
    pub purpose: Purpose,
    pub contact_kind: ContactKind,
    pub state: ConsentState,
    pub method: String,
    pub wording_version: String,
    pub recorder: Option<StaffId>,
    pub create_time: Timestamp,
}

/// A car.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Vehicle")]
pub struct VehicleRow {
    pub id: VehicleId,
    pub vin: String,
    pub model: String,
    pub trim: String,
    pub colour: String,
    pub deliver_time: Option<Timestamp>,
    pub create_time: Timestamp,
}

/// Whose a car is or was.
#[derive(Debug, Clone)]
pub struct OwnershipRow {
    /// The car.
    pub vehicle: VehicleId,
    /// The owner.
    pub customer: CustomerId,
    /// Since when.
    pub start_time: Timestamp,
    /// Until when; absent for the owner now.
    pub end_time: Option<Timestamp>,
}

/// A plate that hangs or hung on a car.
#[derive(Debug, Clone)]
pub struct PlateRow {
    /// The car.
    pub vehicle: VehicleId,
    /// The plate, however written.
    pub plate: String,
    /// Since when.
    pub start_time: Timestamp,
    /// Until when; absent for the plate now.
    pub end_time: Option<Timestamp>,
}

/// Somebody who came in.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Reception")]
pub struct ReceptionRow {
    pub id: ReceptionId,
    pub store: StoreId,
    pub kind: ReceptionKind,
    pub customer: Option<CustomerId>,
    pub intended_model: String,
    pub recorder: Option<StaffId>,
    pub create_time: Timestamp,
}

/// A lead.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Lead")]
pub struct LeadRow {
    pub id: LeadId,
    pub customer: CustomerId,
    pub store: StoreId,
    pub source: SourceChannel,
    pub intended_model: String,
    pub grade: Option<LeadGrade>,
    pub state: LeadState,
    pub owner: StaffId,
    /// For open leads only.
    pub next_follow_up_time: Option<Timestamp>,
    pub create_time: Timestamp,
    pub update_time: Timestamp,
}

/// A delivery.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Delivery")]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub customer: CustomerId,
    pub store: StoreId,
    pub lead: Option<LeadId>,
    pub vehicle: VehicleId,
    pub vin: String,
    pub plate: Option<String>,
    pub model: String,
    pub trim: String,
    pub colour: String,
    pub odometer_km: i32,
    pub advisor: StaffId,
    pub deliver_time: Timestamp,
}

/// A service visit.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Visit")]
pub struct VisitRow {
    pub id: VisitId,
    pub store: StoreId,
    pub vehicle: VehicleId,
    pub customer: CustomerId,
    pub kind: VisitKind,
    pub odometer_km: i32,
    pub advisor: StaffId,
    pub promise_time: Option<Timestamp>,
    pub check_in_time: Timestamp,
    /// Absent while the car is in the workshop.
    pub hand_over_time: Option<Timestamp>,
    /// In fen (CNY 0.01).
    pub amount_fen: Option<i64>,
}

/// A word of the catalogue.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Tag")]
pub struct TagRow {
    pub id: TagId,
    pub display_name_zh: String,
    pub display_name_en: String,
}

/// A segment of the whole group, for everybody.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Segment")]
pub struct SegmentRow {
    pub id: SegmentId,
    pub display_name: String,
    pub description: String,
    pub condition: SegmentCondition,
}

/// By whom, where and when something became known.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// The store.
    pub store: StoreId,
    /// Who wrote it down.
    pub staff: StaffId,
    /// When.
    pub at: Timestamp,
}

/// That a customer has a tag.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "they say themselves")]
pub struct CustomerTagRow {
    pub customer: CustomerId,
    pub tag: TagId,
    pub said: Said,
}

/// That a customer is in a group.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's GroupMembership")]
pub struct MembershipRow {
    pub customer: CustomerId,
    pub group: CustomerGroup,
    pub reason: String,
    pub said: Said,
}

/// What somebody is to a customer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Relation")]
pub struct RelationRow {
    pub id: RelationId,
    pub customer: CustomerId,
    pub other: CustomerId,
    pub kind: RelationKind,
    pub source: SourceChannel,
    pub said: Said,
}

/// A part that somebody with a file has at another one's car.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's VehiclePerson")]
pub struct PersonRow {
    pub id: uuid::Uuid,
    pub vehicle: VehicleId,
    pub owner: CustomerId,
    pub role: VehicleRole,
    pub customer: CustomerId,
    pub said: Said,
}

/// What stands in a car's papers.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the proto's Vehicle")]
pub struct PapersRow {
    pub vehicle: VehicleId,
    pub registration_date: Date,
    pub inspection_date: Date,
    pub warranty_end: Date,
    pub warranty_km: i32,
    pub insurer: String,
    /// Of both insurances.
    pub insurance_end: Date,
}
