//! What every room stands on and no domain knows: typed ids, the clock, pages, field checks, errors and their one
//! mapping to a status. Nothing here does input or output, and nothing here knows a business rule.

pub mod clock;
pub mod error;
pub mod fields;
pub mod ids;
pub mod page;
pub mod replay;
pub mod sql;
pub mod time;
pub mod trace;
pub mod working_time;

pub use clock::{Clock, SharedClock, SystemClock, TestClock};
pub use error::{Error, Result, database_is_away, unique_violation};
pub use fields::{Violation, Violations};
pub use ids::{
    CallTaskId, CaseId, ConsentId, ContactPointId, CustomerId, DeliveryId, DuplicateId, ErasureId, ExportId,
    FactId, GroupMembershipId, Id, Ids, ImportId, InvalidName, LeadId, MergeId, MessageId, PointsEntryId,
    ReceptionId, RelationId, SegmentId, StaffId, StageChangeId, StoreId, TagAssignmentId, TagId, VehicleId,
    VisitId,
};
pub use page::Page;
pub use replay::RequestKey;
