//! What identity told of stores and staff.

mod changed;
mod hours;
mod staff;
mod store;

pub(crate) use changed::{People, Stores};
pub(crate) use hours::Hours;
pub(crate) use staff::{may_no_more_own, may_own, owner_roles};
pub(crate) use store::{Store, find, is_known};
