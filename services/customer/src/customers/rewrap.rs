//! Changing master keys: data keys that another one wraps are wrapped anew by the one that seals, while everybody works.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use foursight_kernel::{CustomerId, ImportId, Result};
use foursight_runtime::{Database, Tick};
use uuid::Uuid;

use crate::customers::{KeyRing, WrappedKey};

/// Data keys in one transaction.
const BATCH: i64 = 1_000;

/// Wraps what is wrapped by another master key. It goes on where it was stopped: what is done is told by each key's version.
/// What was wrapped meanwhile by a process with an older configuration, the next round finds.
pub(crate) struct Rewrap {
    pub(crate) db: Database,
    pub(crate) keys: Arc<KeyRing>,
}

#[async_trait]
impl Tick for Rewrap {
    async fn tick(&self) -> Result<()> {
        // What a key has wrapped that the configuration does not have, nobody opens; `foursight keys` tells of it.
        let others = self.keys.others();
        if others.is_empty() {
            return Ok(());
        }
        let (mut after, mut done) = (Uuid::nil(), 0);
        while let Some((last, count)) = self.batch(after, &others).await? {
            (after, done) = (last, done + count);
            let sealing = self.keys.current();
            tracing::info!(done, sealing, "data keys are wrapped by the master key that seals");
        }
        let mut after = Uuid::nil();
        while let Some(last) = self.imports(after, &others).await? {
            after = last;
        }
        Ok(())
    }
}

impl Rewrap {
    /// The next keys in the order of their customers: the last of them, and how many they were; none when there are no more.
    async fn batch(&self, after: Uuid, others: &[i32]) -> Result<Option<(Uuid, usize)>> {
        let mut tx = self.db.begin_as_service().await?;
        let rows = sqlx::query!(
            "SELECT customer_id, master_version, wrapped FROM customer.customer_keys
             WHERE customer_id > $1 AND master_version = ANY ($2)
             ORDER BY customer_id LIMIT $3 FOR UPDATE",
            after,
            others,
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last().map(|row| row.customer_id) else { return Ok(None) };
        let (mut ids, mut wrapped) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
            wrapped.push(self.keys.rewrap(CustomerId::from(row.customer_id), &key)?.wrapped);
            ids.push(row.customer_id);
        }
        sqlx::query!(
            "UPDATE customer.customer_keys k SET master_version = $1, wrapped = anew.wrapped
             FROM unnest($2::uuid[], $3::bytea[]) AS anew (customer_id, wrapped)
             WHERE k.customer_id = anew.customer_id",
            self.keys.current(),
            &ids,
            &wrapped,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some((last, ids.len())))
    }
}

impl Rewrap {
    /// The same with the keys of imports; there are few.
    async fn imports(&self, after: Uuid, others: &[i32]) -> Result<Option<Uuid>> {
        let mut tx = self.db.begin_as_service().await?;
        let rows = sqlx::query!(
            "SELECT id, master_version, wrapped FROM customer.imports
             WHERE id > $1 AND master_version = ANY ($2) ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
            after,
            others,
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
        for row in rows {
            let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
            let key = self.keys.rewrap(ImportId::from(row.id), &key)?;
            sqlx::query!(
                "UPDATE customer.imports SET master_version = $2, wrapped = $3 WHERE id = $1",
                row.id,
                key.master_version,
                key.wrapped,
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(Some(last))
    }
}

/// How many data keys each master key wraps, by its version; those of imports among them.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn wrapped_by_version(db: &Database) -> Result<BTreeMap<i32, i64>> {
    let mut tx = db.begin_as_service().await?;
    let rows = sqlx::query!(
        r#"SELECT master_version AS "master_version!", count(*) AS "count!"
           FROM (SELECT master_version FROM customer.customer_keys UNION ALL SELECT master_version FROM customer.imports) keys
           GROUP BY master_version"#
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.master_version, row.count)).collect())
}
