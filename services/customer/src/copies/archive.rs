//! The archive: a JSON file for each service and table, and one page to read.

use std::io::{Cursor, Write};

use foursight_kernel::{CustomerId, Error, Result};
use jiff::Timestamp;
use serde_json::Value;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{Known, page};

/// Makes the archive.
///
/// # Errors
/// `INTERNAL` when it cannot be written.
pub(super) fn make(customer: CustomerId, now: Timestamp, known: &[Known]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| -> Result<()> {
        archive.start_file(name, SimpleFileOptions::default()).map_err(Error::internal)?;
        archive.write_all(bytes).map_err(Error::internal)
    };
    add("index.html", page::make(customer, now, known).as_bytes())?;
    for Known { service, tables } in known {
        for (table, rows) in tables {
            let text = serde_json::to_vec_pretty(&Value::Array(rows.clone())).map_err(Error::internal)?;
            add(&format!("{service}/{table}.json"), &text)?;
        }
    }
    Ok(archive.finish().map_err(Error::internal)?.into_inner())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::io::Read;

    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_known_comes_out_again_and_is_text_on_the_page(words in "\\PC{1,60}") {
            let rows = vec![json!({ "note": words, "kind": 1 })];
            let known = [Known { service: "complaint", tables: vec![("steps".to_owned(), rows.clone())] }];
            let bytes = make(CustomerId::from(Uuid::nil()), Timestamp::UNIX_EPOCH, &known).unwrap();
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
            let mut read = |name: &str| {
                let mut text = String::new();
                archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
                text
            };
            prop_assert_eq!(serde_json::from_str::<Vec<Value>>(&read("complaint/steps.json")).unwrap(), rows);
            // No word opens an element of its own.
            let page = read("index.html");
            let none = page::make(CustomerId::from(Uuid::nil()), Timestamp::UNIX_EPOCH, &[
                Known { service: "complaint", tables: vec![("steps".to_owned(), vec![json!({ "note": "x", "kind": 1 })])] },
            ]);
            prop_assert_eq!(page.matches('<').count(), none.matches('<').count());
        }
    }
}
