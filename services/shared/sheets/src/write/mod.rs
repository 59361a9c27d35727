//! Tables that are sent to people: exports, and rows given back with the reason beside them.
//!
//! All writers hold a row at a time. What a person wrote is never carried out: see [`formula`](self) in the source
//! for how a text that looks like one is kept from becoming one.

mod csv;
mod formula;
mod returned;
mod xlsx;

pub use csv::{CsvStyle, CsvWriter};
pub(crate) use formula::unguarded;
pub use returned::Returned;
pub use xlsx::XlsxWriter;
