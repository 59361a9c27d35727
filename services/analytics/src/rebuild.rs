//! Makes the facts again from the first event: after a mistake in how they were made, or in the tables. Until every event that had
//! had its effects has them again, the figures are too small, and whoever asks for them is told so.

use async_trait::async_trait;
use foursight_kernel::{Error, Result, sql, time};
use foursight_messaging::{Bus, topology::durable};
use foursight_proto::analytics::v1::MeasuresRebuild;
use foursight_runtime::{Database, Tick};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    facts,
    role::{PURPOSE, SERVICE},
};

/// The tables that hold facts.
const TABLES: [&str; 5] = ["stores", "deliveries", "visits", "cases", "call_tasks"];

/// Forgets all facts, and that their events were ever heard. When the service starts again, it hears every event from the
/// first on, and the facts come out the same. Run twice, or broken off and run again, it ends the same. Answers how many
/// events had had their effects.
///
/// # Errors
/// `ANALYTICS_RUNS` while the service runs somewhere, and nothing is forgotten: what it has in hand then would be acknowledged
/// to its new durable, and missing in the facts. `UNAVAILABLE` while the database or NATS is away.
pub async fn rebuild(database: &Database, bus: &Bus, now: Timestamp) -> Result<u64> {
    let mut tx = database.begin_as_service().await?;
    let sessions: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut *tx)
    .await?;
    if sessions > 0 {
        // Given back first: who asks again at once would make a second connection, and count this one.
        tx.rollback().await?;
        let message = format!(
            "analytics runs, or somebody else uses its database role: {sessions} other connections; stop every process that \
             runs analytics (`foursight analytics`, `all`, `up`), run this again, then start them"
        );
        return Err(Error::failed_precondition("ANALYTICS_RUNS", message));
    }
    // One that starts in this moment waits, and then finds neither a fact nor an event that it has heard.
    let lock = format!("LOCK TABLE inbox, {} IN EXCLUSIVE MODE", TABLES.join(", "));
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *tx).await?;
    let durable = durable(SERVICE, PURPOSE);
    let heard = sqlx::query_scalar!(
        r#"WITH heard AS (DELETE FROM analytics.inbox WHERE consumer = $1 RETURNING event_id),
             kept AS (INSERT INTO analytics.rebuild_events (event_id) SELECT event_id FROM heard ON CONFLICT DO NOTHING)
           SELECT count(*) AS "heard!" FROM heard"#,
        durable,
    )
    .fetch_one(&mut *tx)
    .await?;
    // One that goes on, since it was broken off, began when it began.
    sqlx::query!(
        "INSERT INTO analytics.rebuild (begin_time, remaining)
         SELECT $1, count(*) FROM analytics.rebuild_events HAVING count(*) > 0
         ON CONFLICT (single) DO UPDATE SET remaining = excluded.remaining",
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    for table in TABLES {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await?;
    }
    // The facts first: an event that is heard twice has one effect, one that is not heard again would have none.
    tx.commit().await?;
    bus.forget_consumer(&facts::sources(), &durable).await?;
    Ok(heard.unsigned_abs())
}

/// The rebuild that is under way, if one is. Asked before the figures are counted, so that none passes for complete that is not.
pub(crate) async fn under_way(tx: &mut PgConnection) -> Result<Option<MeasuresRebuild>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT begin_time AS "begin_time: sql::Timestamp", remaining FROM analytics.rebuild"#
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| MeasuresRebuild {
        begin_time: Some(time::to_proto(row.begin_time.to_jiff())),
        remaining_events: row.remaining,
    }))
}

/// Finds out which events have their effects again, and ends the rebuild with the last of them.
pub(crate) struct Progress {
    pub(crate) db: Database,
}

#[async_trait]
impl Tick for Progress {
    async fn tick(&self) -> Result<()> {
        let mut tx = self.db.begin_as_service().await?;
        if under_way(&mut tx).await?.is_none() {
            return tx.rollback().await;
        }
        sqlx::query!(
            "DELETE FROM analytics.rebuild_events e USING analytics.inbox i
             WHERE i.consumer = $1 AND i.event_id = e.event_id",
            durable(SERVICE, PURPOSE),
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE analytics.rebuild SET remaining = (SELECT count(*) FROM analytics.rebuild_events)"
        )
        .execute(&mut *tx)
        .await?;
        let ended =
            sqlx::query!("DELETE FROM analytics.rebuild WHERE remaining = 0").execute(&mut *tx).await?;
        tx.commit().await?;
        if ended.rows_affected() > 0 {
            tracing::info!("the facts are made again: every event that had had its effects has them");
        }
        Ok(())
    }
}
