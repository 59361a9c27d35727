//! Tables that are sent to people: exports, and rows given back with the reason beside them.
//!
//! All writers hold a row at a time. What a person wrote is never carried out as a formula: `formula.rs` beside this
//! says how that is kept from happening, and how it is undone when the file comes back.

mod csv;
mod formula;
mod memory;
mod returned;
mod xlsx;

pub use csv::{CsvStyle, CsvWriter};
pub(crate) use formula::unguarded;
pub use memory::in_memory;
pub use returned::Returned;
pub use xlsx::XlsxWriter;
