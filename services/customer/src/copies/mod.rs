//! The copy of everything that is known of a customer: here and in the other services, whole, as an archive.

mod archive;
mod export;
mod others;
mod own;
mod page;
mod words;

use serde_json::Value;

pub(crate) use export::export;

/// What a service has, row by row, by table.
pub(crate) struct Known {
    service: &'static str,
    tables: Vec<(String, Vec<Value>)>,
}
