//! The measures of the group: each has one written definition, one formula and one source.
//!
//! `facts` turns the other services' events into rows, one for each thing that happened; `measures` counts the rows by
//! store and month when somebody asks. Nothing is added up in advance, so the screen, the API and a rebuilt copy give the
//! same number by construction, and a fact that comes late changes the month that it belongs to.

mod customers;
mod facts;
mod measures;
mod rebuild;
mod role;

pub use rebuild::rebuild;
pub use role::AnalyticsRole;
