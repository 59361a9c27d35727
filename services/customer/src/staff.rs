//! Who may be put in charge of something, and which stores there are: identity is asked, and what it says is remembered for a
//! moment. What identity tells of the staff is kept besides (`changed`): so that what somebody has who left is found.

use std::time::Duration;

use foursight_access::{Principal, Reach, rights::roles_with};
use foursight_kernel::{Error, Result, StaffId, StoreId};
use foursight_proto::identity::v1::{
    GetStaffRequest, GetStoreRequest, Staff, directory_service_client::DirectoryServiceClient,
};
use foursight_runtime::{Database, PeerChannel};
use moka::future::Cache;
use tonic::Code;
use uuid::Uuid;

mod changed;

pub(crate) use changed::consumer;

/// What working on a lead needs.
pub(crate) const LEAD_RIGHT: &str = "lead.write";

/// For how long somebody who changed stores may still be taken for who they were.
const REMEMBERED: Duration = Duration::from_secs(30);
const MOST_REMEMBERED: u64 = 10_000;
const RETRY: Duration = Duration::from_secs(2);

/// Members of staff as identity knows them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Colleagues {
    identity: PeerChannel,
    db: Database,
    known: Cache<StaffId, Staff>,
    /// Those that were found; a store is never taken away.
    stores: Cache<StoreId, ()>,
}

/// Where somebody works and as what, as identity told it last.
struct Told {
    stores: Vec<Uuid>,
    headquarters: bool,
    active: bool,
    roles: Vec<i16>,
}

/// What somebody must be for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Works it from now on, with this right.
    With(&'static str),
    /// Is responsible from now on.
    Active,
    /// Was responsible then, and may have left since.
    Past,
}

impl Colleagues {
    pub(crate) fn new(identity: PeerChannel, db: Database) -> Self {
        let known = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).build();
        let stores = Cache::builder().max_capacity(MOST_REMEMBERED).build();
        Self { identity, db, known, stores }
    }

    /// Refuses who cannot have a part at a store. The caller's token may be older than what identity told since: somebody who
    /// left has it for some minutes. So what was told is looked at, and where nothing was, the token says enough.
    ///
    /// # Errors
    /// A violation of `field`; `IDENTITY_AWAY` while identity does not answer.
    pub(crate) async fn require(
        &self,
        caller: &Principal,
        field: &str,
        staff: StaffId,
        store: StoreId,
        part: Part,
    ) -> Result<()> {
        let fit = if caller.staff() == Some(staff) && part.is_for(caller) {
            self.told(staff).await?.is_none_or(|told| told.fits(store, part))
        } else {
            self.find(staff).await?.is_some_and(|found| fits(&found, store, part))
        };
        if fit { Ok(()) } else { Err(Error::invalid_field(field, part.description())) }
    }

    /// What identity told of somebody, if it was heard yet.
    async fn told(&self, staff: StaffId) -> Result<Option<Told>> {
        let told = self.db.ask(|| {
            sqlx::query_as!(
                Told,
                "SELECT stores, headquarters, active, roles FROM customer.staff WHERE id = $1",
                staff.uuid(),
            )
        });
        Ok(told.await?.pop())
    }

    /// Refuses a store that the caller does not reach. Who reaches the whole group may name any id, so that one is looked up.
    ///
    /// # Errors
    /// `STORE_OUT_OF_REACH`, a violation of `field`, `IDENTITY_AWAY` while identity does not answer.
    pub(crate) async fn require_store(&self, caller: &Principal, field: &str, store: StoreId) -> Result<()> {
        caller.require_store(store)?;
        if caller.reach != Reach::Group || self.stores.contains_key(&store) {
            return Ok(());
        }
        let request = GetStoreRequest { name: store.name() };
        match DirectoryServiceClient::new(self.identity.clone()).get_store(request).await {
            Ok(_) => {
                self.stores.insert(store, ()).await;
                Ok(())
            }
            Err(status) if status.code() == Code::NotFound => {
                Err(Error::invalid_field(field, "must be a store that exists"))
            }
            Err(status) => {
                let message = "whether the store exists cannot be looked up now; try again";
                Err(Error::unavailable("IDENTITY_AWAY", message, RETRY).with_source(status))
            }
        }
    }

    async fn find(&self, staff: StaffId) -> Result<Option<Staff>> {
        if let Some(found) = self.known.get(&staff).await {
            return Ok(Some(found));
        }
        let request = GetStaffRequest { name: staff.name() };
        match DirectoryServiceClient::new(self.identity.clone()).get_staff(request).await {
            Ok(found) => {
                let found = found.into_inner();
                self.known.insert(staff, found.clone()).await;
                Ok(Some(found))
            }
            // Not remembered: somebody may be added in the next moment.
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => {
                let message = "who works at the store cannot be looked up now; try again, or name yourself";
                Err(Error::unavailable("IDENTITY_AWAY", message, RETRY).with_source(status))
            }
        }
    }
}

/// Whether somebody can have a part at a store: of the store or of headquarters, and as the part needs.
fn fits(staff: &Staff, store: StoreId, part: Part) -> bool {
    let works_there = staff.headquarters || staff.stores.contains(&store.name());
    works_there
        && match part {
            Part::With(right) => staff.active && staff.rights.iter().any(|granted| granted == right),
            Part::Active => staff.active,
            Part::Past => true,
        }
}

impl Told {
    /// The same of what identity told.
    fn fits(&self, store: StoreId, part: Part) -> bool {
        let works_there = self.headquarters || self.stores.contains(&store.uuid());
        works_there
            && match part {
                Part::With(right) => {
                    self.active && roles_with(right).iter().any(|role| self.roles.contains(role))
                }
                Part::Active => self.active,
                Part::Past => true,
            }
    }
}

impl Part {
    /// Whether the caller, who is active and reaches the store, can have this part.
    fn is_for(self, caller: &Principal) -> bool {
        match self {
            Self::With(right) => caller.has(right),
            Self::Active | Self::Past => true,
        }
    }

    fn description(self) -> String {
        match self {
            Self::With(right) => {
                format!(
                    "must be an active member of the store's staff or of headquarters, with the right {right}"
                )
            }
            Self::Active => "must be an active member of the store's staff or of headquarters".to_owned(),
            Self::Past => "must be a member of the store's staff or of headquarters".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use foursight_proto::identity::v1::Role;

    use super::*;

    #[test]
    fn what_was_told_says_the_same() {
        let (here, there) = (StoreId::from(Uuid::from_u128(1)), StoreId::from(Uuid::from_u128(2)));
        let told = |active, headquarters| Told {
            stores: vec![here.uuid()],
            headquarters,
            active,
            roles: vec![Role::SalesAdvisor as i16],
        };
        let parts = [Part::With("lead.write"), Part::With("visit.write"), Part::Active, Part::Past];
        let all = |told: Told, store| parts.map(|part| told.fits(store, part));
        assert_eq!(all(told(true, false), here), [true, false, true, true]);
        assert_eq!(all(told(true, false), there), [false; 4]);
        assert_eq!(all(told(false, false), here), [false, false, false, true]);
        assert_eq!(all(told(true, true), there), [true, false, true, true]);
    }

    #[test]
    fn the_part_says_who_fits() {
        let (here, there) = (StoreId::from(Uuid::from_u128(1)), StoreId::from(Uuid::from_u128(2)));
        let advisor = Staff {
            stores: vec![here.name()],
            rights: vec!["lead.write".to_owned()],
            active: true,
            ..Staff::default()
        };
        let parts = [Part::With("lead.write"), Part::With("visit.write"), Part::Active, Part::Past];
        let all = |staff: &Staff, store| parts.map(|part| fits(staff, store, part));
        assert_eq!(all(&advisor, here), [true, false, true, true]);
        assert_eq!(all(&advisor, there), [false; 4]);
        let left = Staff { active: false, ..advisor.clone() };
        assert_eq!(all(&left, here), [false, false, false, true]);
        let headquarters = Staff { stores: Vec::new(), headquarters: true, ..advisor };
        assert_eq!(all(&headquarters, there), [true, false, true, true]);
    }
}
