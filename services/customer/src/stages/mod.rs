//! Where customers stand, by time: who is dormant and who is lost, and what was made of stages before.

mod list;
mod pass;
mod rule;

pub(crate) use list::list;
pub(crate) use pass::Pass;
pub(crate) use rule::StageRule;
