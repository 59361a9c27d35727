//! Typed ids: mixing a customer's id with a vehicle's does not compile.
//!
//! An id is a `UUIDv7`: it sorts by the time at which it was made, which keeps indexes dense. At the edge it is a resource
//! name by the rules of the Google API improvement proposals: `customers/0192…`.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::SharedClock;

/// What is common to all typed ids.
pub trait Id: Copy + From<Uuid> {
    /// The resource collection, the first part of the name: `customers`.
    const COLLECTION: &'static str;

    /// The bare id.
    fn uuid(self) -> Uuid;

    /// The resource name: `customers/{uuid}`.
    fn name(self) -> String {
        format!("{}/{}", Self::COLLECTION, self.uuid())
    }

    /// Reads a resource name.
    ///
    /// # Errors
    /// [`InvalidName`] when it is of another collection or its id is no UUID.
    fn parse_name(name: &str) -> Result<Self, InvalidName> {
        name.strip_prefix(Self::COLLECTION)
            .and_then(|rest| rest.strip_prefix('/'))
            // The one form that we print, so that an id has one spelling in URLs, caches and logs.
            .filter(|id| id.len() == 36)
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Self::from)
            .ok_or(InvalidName { collection: Self::COLLECTION })
    }
}

/// A text that is not the resource name that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a resource name of the form {collection}/{{uuid}}")]
pub struct InvalidName {
    collection: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $collection:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl crate::page::Cursor for $name {}

        impl Id for $name {
            const COLLECTION: &'static str = $collection;

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl $name {
            /// The bare id.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The resource name.
            pub fn name(self) -> String {
                Id::name(self)
            }

            /// Reads a resource name.
            ///
            /// # Errors
            /// [`InvalidName`] when it is of another collection or its id is no UUID.
            pub fn parse_name(name: &str) -> Result<Self, InvalidName> {
                <Self as Id>::parse_name(name)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", $collection, self.0)
            }
        }
    )*};
}

ids! {
    /// A 4S store.
    StoreId = "stores";
    /// A member of staff.
    StaffId = "staff";
    /// A customer's file.
    CustomerId = "customers";
    /// A way to reach a customer.
    ContactPointId = "contactPoints";
    /// A fact that a file took on.
    FactId = "facts";
    /// An entry of the points ledger.
    PointsEntryId = "pointsEntries";
    /// A word of the catalogue of tags.
    TagId = "tags";
    /// That a customer has or had a tag.
    TagAssignmentId = "tagAssignments";
    /// That a customer is or was in a group.
    GroupMembershipId = "groupMemberships";
    /// What two customers are to each other.
    RelationId = "relations";
    /// That a file's stage became another one.
    StageChangeId = "stageChanges";
    /// That two files became one.
    MergeId = "merges";
    /// Two files that may be of one customer.
    DuplicateId = "duplicates";
    /// That a customer was erased, and the proof of it.
    ErasureId = "erasures";
    /// A record of consent.
    ConsentId = "consents";
    /// A vehicle's file.
    VehicleId = "vehicles";
    /// A lead 线索.
    LeadId = "leads";
    /// An entry of the reception register.
    ReceptionId = "receptions";
    /// A car's hand-over to its buyer.
    DeliveryId = "deliveries";
    /// A service visit 进厂.
    VisitId = "visits";
    /// A follow-up call that is to be made.
    CallTaskId = "callTasks";
    /// A message to a customer.
    MessageId = "messages";
    /// A complaint or another case.
    CaseId = "cases";
    /// A run that brings old data in.
    ImportId = "imports";
    /// A condition over files, saved under a name.
    SegmentId = "segments";
    /// That customers were taken out.
    ExportId = "exports";
}

/// Makes ids. Cheap to clone; a test gives it a turned clock and a seed and gets the same ids each time.
#[derive(Clone)]
pub struct Ids {
    clock: SharedClock,
    random: Random,
}

#[derive(Clone)]
enum Random {
    Thread,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Ids {
    /// Ids that nobody can guess, ordered by the clock.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, random: Random::Thread }
    }

    /// The same ids for the same clock and seed. For tests and the demo group only.
    pub fn seeded(clock: SharedClock, seed: u64) -> Self {
        Self { clock, random: Random::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    /// A fresh typed id.
    pub fn next<I: Id>(&self) -> I {
        I::from(self.uuid())
    }

    /// A fresh bare id, for what has no resource name of its own (events, attempts).
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let mut random = [0; 10];
        match &self.random {
            Random::Thread => rand::rng().fill_bytes(&mut random),
            Random::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random),
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;

    #[test]
    fn a_name_reads_back_as_its_id() {
        let ids = Ids::new(TestClock::at(jiff::Timestamp::UNIX_EPOCH));
        let id: CustomerId = ids.next();
        assert_eq!(CustomerId::parse_name(&id.name()), Ok(id));
    }

    #[test]
    fn a_name_of_another_collection_is_refused() {
        let ids = Ids::new(TestClock::at(jiff::Timestamp::UNIX_EPOCH));
        let id: VehicleId = ids.next();
        assert!(CustomerId::parse_name(&id.name()).is_err());
        assert!(CustomerId::parse_name("customers/").is_err());
        assert!(CustomerId::parse_name(&format!("customers/{{{}}}", id.uuid())).is_err());
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let ids = Ids::new(clock.clone());
        let first = ids.uuid();
        clock.advance(jiff::SignedDuration::from_millis(1));
        assert!(first < ids.uuid());
    }
}
