//! Which request leads to which method.

mod annotations;
mod table;
mod template;
mod trie;

pub(crate) use table::{BodyRule, Bound, MethodInfo, Route, RouteTable, Scope};
pub(crate) use template::Segment;
pub(crate) use trie::{Match, Segments};
