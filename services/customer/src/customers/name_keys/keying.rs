//! Writing a file's keys, and the worker that gives keys to files without.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::Result;
use foursight_runtime::{Database, Tick, Worker};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{RULES, keys_of};

/// How often files without keys are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Files in one transaction.
const BATCH: i64 = 500;

/// A name's keys as one text, a line each, as the database's functions take them.
pub(crate) fn text_of(name: &str) -> String {
    keys_of(name).join("\n")
}

/// Gives these files the keys of their names in place of what they have, for all stores that serve them. Of files out of the
/// transaction's reach nothing is written.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn write(tx: &mut PgConnection, ids: &[Uuid], names: &[&str]) -> Result<()> {
    sqlx::query!(
        r#"SELECT customer.write_name_keys($1, $2, $3) AS "written?""#,
        ids,
        &names.iter().map(|name| text_of(name)).collect::<Vec<_>>(),
        RULES,
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// Finds files whose keys were not made by the rules of now: the release before knows no keys, and rules change.
pub(crate) struct KeyWriter(Database);

impl KeyWriter {
    /// The worker.
    pub(crate) fn worker(db: Database) -> Worker {
        Worker::new("name-keys", LOOK_EVERY, Arc::new(Self(db)))
    }

    /// Takes a batch; answers how many it was. A file that somebody is working on is left for the next round.
    async fn batch(&self) -> Result<usize> {
        let mut tx = self.0.begin_as_service().await?;
        let files = sqlx::query!(
            "SELECT id, display_name FROM customer.customers WHERE key_rules < $1
             ORDER BY key_rules LIMIT $2 FOR UPDATE SKIP LOCKED",
            RULES,
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        let ids: Vec<Uuid> = files.iter().map(|file| file.id).collect();
        let names: Vec<&str> = files.iter().map(|file| file.display_name.as_str()).collect();
        if !ids.is_empty() {
            write(&mut tx, &ids, &names).await?;
        }
        tx.commit().await?;
        Ok(ids.len())
    }
}

#[async_trait]
impl Tick for KeyWriter {
    async fn tick(&self) -> Result<()> {
        loop {
            let written = self.batch().await?;
            if written == 0 {
                return Ok(());
            }
            tracing::info!(written, "files are found by their names now");
        }
    }
}
