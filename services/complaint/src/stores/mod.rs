//! What identity told of stores and staff.

mod changed;
mod hours;
mod staff;

pub(crate) use changed::{People, Stores};
pub(crate) use hours::{Hours, Store, find, is_known};
pub(crate) use staff::{may_own, owner_roles};
