//! Staff: who works where, in which roles, with which account.

pub(crate) mod account;
pub(crate) mod create;
pub(crate) mod deactivate;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod me;

use foursight_access::rights::rights_of_all;
use foursight_kernel::{StaffId, StoreId, sql, time};
use foursight_proto::identity::{
    events::v1::StaffChanged,
    v1::{self as proto, Role},
};

/// A member of staff as the caller may see it: of several stores only those in reach.
#[derive(Debug, Clone)]
pub(crate) struct StaffRecord {
    pub(crate) id: StaffId,
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) roles: Vec<i16>,
    pub(crate) headquarters: bool,
    pub(crate) active: bool,
    pub(crate) created_at: sql::Timestamp,
    pub(crate) version: i64,
    pub(crate) stores: Vec<StoreId>,
}

impl StaffRecord {
    fn role_numbers(&self) -> Vec<i32> {
        self.roles.iter().copied().map(i32::from).collect()
    }

    fn store_names(&self) -> Vec<String> {
        self.stores.iter().map(|store| store.name()).collect()
    }

    pub(crate) fn to_proto(&self) -> proto::Staff {
        let roles = self.role_numbers();
        let known: Vec<Role> = roles.iter().filter_map(|role| Role::try_from(*role).ok()).collect();
        proto::Staff {
            name: self.id.name(),
            login: self.login.clone(),
            display_name: self.display_name.clone(),
            roles,
            stores: self.store_names(),
            headquarters: self.headquarters,
            rights: rights_of_all(&known),
            active: self.active,
            create_time: Some(time::to_proto(self.created_at.to_jiff())),
        }
    }

    pub(crate) fn to_event(&self) -> StaffChanged {
        StaffChanged {
            staff: self.id.name(),
            roles: self.role_numbers(),
            stores: self.store_names(),
            headquarters: self.headquarters,
            active: self.active,
        }
    }
}
