//! Old bytes go: the files of runs with which nothing happened for a while.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::{Result, sql};
use foursight_proto::customer::v1::ImportState;
use foursight_runtime::{Tick, Worker};

use crate::{context::Context, imports::run::KEPT};

const LOOK_EVERY: Duration = Duration::from_mins(10);

struct Expire(Context);

pub(super) fn worker(ctx: &Context) -> Worker {
    Worker::new("imports-expire", LOOK_EVERY, Arc::new(Expire(ctx.clone())))
}

#[async_trait]
impl Tick for Expire {
    async fn tick(&self) -> Result<()> {
        while self.one().await? {}
        Ok(())
    }
}

impl Expire {
    /// Whether there was one. What became of its rows stays, and so does its key, under which its name is sealed.
    async fn one(&self) -> Result<bool> {
        let now = self.0.now();
        let mut tx = self.0.db.begin_as_service().await?;
        let old = sqlx::query_scalar!(
            "SELECT id FROM customer.imports
             WHERE remove_time IS NULL AND update_time < $1 AND state NOT IN (2, 3, 8)
             ORDER BY update_time LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
            sql::at(now - KEPT) as _,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = old else { return Ok(false) };
        sqlx::query!("DELETE FROM customer.import_chunks WHERE import_id = $1", id).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM customer.import_keys WHERE import_id = $1", id).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM customer.import_twins WHERE import_id = $1", id).execute(&mut *tx).await?;
        sqlx::query!(
            "UPDATE customer.imports
             SET remove_time = $2, error_bytes = 0, version = version + 1, state = CASE WHEN state = $3 THEN $4 ELSE state END
             WHERE id = $1",
            id,
            sql::at(now) as _,
            sql::number(ImportState::Uploading),
            sql::number(ImportState::Cancelled),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
