//! The consumer that keeps files' keys.
//!
//! A consumer and not the operations themselves: a file has ten keys and more, which cost as much as all else of its opening, and
//! of those that open at the same moment a batch is written at once. Until it has heard of a file, milliseconds, nobody finds it by
//! its name.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use foursight_kernel::CustomerId;
use foursight_messaging::{ConsumerSpec, HandleError, Projection, Received, Source};
use foursight_proto::customer::events::v1::{CustomerCreated, CustomerUpdated};
use foursight_runtime::merging::Merging;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys_of;

/// Hears of each file that was opened or changed, from the first one on. When other keys come out for any name, give it another
/// purpose: then it hears of all files again.
pub(crate) fn consumer() -> ConsumerSpec {
    let mut sources = vec![Source::event::<CustomerCreated>(), Source::event::<CustomerUpdated>()];
    sources.extend(Merging::sources());
    ConsumerSpec::projection("name_keys", &sources, Arc::new(NameKeys))
}

struct NameKeys;

#[async_trait]
impl Projection for NameKeys {
    /// Gives files the keys of the names that they have now, in place of what they had: whatever the order of events, after the
    /// last one the keys are right.
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let mut files = BTreeSet::new();
        for event in events {
            files.extend(named(event)?);
        }
        let files: Vec<Uuid> = files.into_iter().collect();
        let files = sqlx::query!(
            "SELECT id, display_name FROM customer.customers WHERE id = ANY ($1) AND merged_into IS NULL",
            &files
        )
        .fetch_all(&mut *tx)
        .await?;
        if files.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = files.iter().map(|file| keys_of(&file.display_name).join("\n")).collect();
        sqlx::query!(
            r#"SELECT customer.write_name_keys($1, $2) AS "written?""#,
            &files.iter().map(|file| file.id).collect::<Vec<_>>(),
            &keys,
        )
        .fetch_one(tx)
        .await?;
        Ok(())
    }
}

/// The files that have another name now, or other stores.
fn named(event: &Received) -> Result<Vec<Uuid>, HandleError> {
    if let Some(it) = Merging::heard(event)? {
        return Ok(vec![it.survivor, it.absorbed]);
    }
    let name = if let Some(it) = event.decode::<CustomerCreated>()? {
        it.customer
    } else if let Some(it) = event.decode::<CustomerUpdated>()?
        && it.fields.iter().any(|field| field == "display_name")
    {
        it.customer
    } else {
        return Ok(Vec::new());
    };
    Ok(CustomerId::parse_name(&name).map(CustomerId::uuid).into_iter().collect())
}
