//! What this service has of a customer, with what is sealed opened.

use foursight_kernel::{CustomerId, Error, Result};
use foursight_proto::customer::v1::{Customer, Vehicle};
use foursight_runtime::customer_data;
use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::Known;
use crate::{
    contacts,
    context::Context,
    customers::{
        on_file,
        sealing::{DataKey, FieldKind},
    },
};

/// How something is found or kept, and not what is known: keys, hashes, words of searches, and files in which others stand, too.
const NOT_KNOWLEDGE: [&str; 15] = [
    "customer_keys",
    "duplicate_work",
    "duplicates",
    "erased_customers",
    "erasures",
    "file_labels",
    "import_chunks",
    "import_keys",
    "import_twins",
    "imports",
    "merge_rows",
    "name_keys",
    "named_files",
    "segment_files",
    "visitor_tries",
];

/// Every row, opened.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub(super) async fn read(tx: &mut PgConnection, ctx: &Context, customer: CustomerId) -> Result<Known> {
    let key = on_file::read(&mut *tx, ctx, customer).await?.key;
    let mut known = Known { service: "customer", tables: Vec::new() };
    for (table, row) in customer_data::rows(tx, customer).await? {
        let Value::Object(mut row) = row else { continue };
        if NOT_KNOWLEDGE.contains(&table.as_str()) {
            continue;
        }
        open(&key, &table, &mut row)?;
        match known.tables.last_mut().filter(|(last, _)| *last == table) {
            Some((_, rows)) => rows.push(Value::Object(row)),
            None => known.tables.push((table, vec![Value::Object(row)])),
        }
    }
    Ok(known)
}

/// Puts what is sealed in a row in clear, or takes it out where it is somebody else's.
fn open(key: &DataKey, table: &str, row: &mut Map<String, Value>) -> Result<()> {
    match table {
        "contact_points" => {
            let kind = row.get("kind").and_then(Value::as_i64).and_then(|kind| i16::try_from(kind).ok());
            let (_, kind) = contacts::kind_of(kind.unwrap_or_default())?;
            if let Some(sealed) = taken(row, "sealed")? {
                row.insert("value".to_owned(), key.open(kind, &sealed)?.expose_secret().into());
            }
        }
        "customers" => {
            if let Some(sealed) = taken(row, "national_id_sealed")? {
                let value = key.open(FieldKind::NationalId, &sealed)?;
                row.insert("national_id".to_owned(), value.expose_secret().into());
            }
        }
        "facts" => {
            if let Some(sealed) = taken(row, "sealed")? {
                let bytes = key.open_bytes(FieldKind::Fact, &sealed)?;
                row.insert("value".to_owned(), in_words::<Customer>(&bytes)?);
            }
        }
        "vehicle_facts" => {
            if let Some(bytes) = taken(row, "value")? {
                row.insert("value".to_owned(), in_words::<Vehicle>(&bytes)?);
            }
        }
        // Who else has a part at the car is that person's business, and what a file was before stands in its facts.
        "vehicle_people" => drop(row.remove("sealed")),
        "import_rows" => drop(row.remove("before")),
        _ => {}
    }
    Ok(())
}

/// A binary column, taken out of the row.
fn taken(row: &mut Map<String, Value>, column: &str) -> Result<Option<Vec<u8>>> {
    let Some(Value::String(text)) = row.remove(column) else { return Ok(None) };
    hex::decode(text.trim_start_matches("\\x")).map(Some).map_err(Error::internal)
}

/// A message as its proto names it.
fn in_words<M: Message + Name>(bytes: &[u8]) -> Result<Value> {
    let descriptor = foursight_proto::descriptors().get_message_by_name(&M::full_name());
    let descriptor = descriptor.ok_or_else(|| Error::internal("a message of ours without a descriptor"))?;
    let message = DynamicMessage::decode(descriptor, bytes).map_err(Error::internal)?;
    serde_json::to_value(&message).map_err(Error::internal)
}
