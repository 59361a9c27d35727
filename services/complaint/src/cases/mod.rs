//! A case and its whole life. Each operation is one file; what they share stands beside them.

mod advance;
mod assign;
mod category;
pub(crate) mod clock;
mod create;
mod error;
mod event;
mod get;
mod handle;
mod list;
mod lookup;
pub(crate) mod number;
mod open;
mod policy;
mod release;
mod reopen;
mod reply;
mod revisit;
mod row;
mod service;
pub(crate) mod state;
#[cfg(test)]
mod state_tests;
mod subject;
mod tell_result;
pub(crate) mod write;

pub(crate) use category::selectable;
pub(crate) use event::opened;
pub(crate) use open::{NewCase, open};
pub(crate) use policy::in_force;
pub(crate) use release::Release;
pub(crate) use row::{Case, StepRow};
pub(crate) use service::{Cases, Desk};
pub(crate) use write::Origin;
