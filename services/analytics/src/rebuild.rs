//! Makes the facts again from the first event: after a mistake in how they were made, or in the tables.

use foursight_kernel::{Error, Result};
use foursight_messaging::Bus;
use foursight_runtime::Database;
use sqlx::AssertSqlSafe;

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
pub async fn rebuild(database: &Database, bus: &Bus) -> Result<u64> {
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
    let durable = foursight_messaging::topology::durable(SERVICE, PURPOSE);
    let heard = sqlx::query("DELETE FROM inbox WHERE consumer = $1").bind(&durable).execute(&mut *tx).await?;
    for table in TABLES {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await?;
    }
    // The facts first: an event that is heard twice has one effect, one that is not heard again would have none.
    tx.commit().await?;
    bus.forget_consumer(&facts::sources(), &durable).await?;
    Ok(heard.rows_affected())
}
