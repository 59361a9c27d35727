//! Tables that people send, and that are sent to them: CSV and XLSX, in and out.
//!
//! What comes in was made by people and their programs, so all of it is bounded: [`open`] looks at the content,
//! not at the name, and reads row by row, however long the file is. What is wrong with a row or a cell is said
//! with that row or cell ([`Row::problems`], [`Fault`]) and ends nothing; what is wrong with the file is a
//! [`SheetError`] with the place. Nothing here knows a customer, a database or a service, and no error repeats
//! what stood in a cell.
//!
//! - [`values`]: what a cell means: a date, a number, money, a phone, yes or no, text.
//! - [`headers`]: which column is which, by a [`Vocabulary`] that the caller gives.
//! - [`fingerprint`](Fingerprint): whether a row was there before, whatever order its columns have.
//! - [`mod@write`]: exports, and rows given back with the reason beside them.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use foursight_sheets::{Limits, values};
//! let file = std::io::Cursor::new("姓名,手机号\n李四,138 0013 8000\n");
//! let mut table = foursight_sheets::open(file, &Limits::default())?;
//! while let Some(row) = table.next_row()? {
//!     assert_eq!(values::phone(&row.cells[1])?.as_deref(), Some("13800138000"));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Speed
//!
//! `cargo run --release -p foursight-sheets --example speed` prints rows a second and the process' memory. On two busy
//! cores, six columns: a CSV of 1 GB (15 million rows) in 6 s with 3 MB of memory, GB18030 1.3 million rows a second,
//! XLSX 230,000; writing 3 million rows a second of CSV, 140,000 of XLSX.

mod cell;
mod error;
mod fingerprint;
pub mod headers;
mod limits;
mod read;
pub mod values;
pub mod write;

pub use cell::{Cell, Fault, Problem, Row};
pub use error::{Encoding, SheetError};
pub use fingerprint::Fingerprint;
pub use headers::{Field, Mapping, Vocabulary};
pub use limits::Limits;
pub use read::{Format, Note, Source, Table, open};
