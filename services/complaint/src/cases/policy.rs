//! How long each clock runs, as the group has set it.

use std::time::Duration;

use foursight_kernel::{Result, StoreId, sql};
use jiff::Timestamp;
use sqlx::PgConnection;

use super::clock::{Policy, Rules};
use crate::stores;

/// What clocks of a store's case are started with at an instant.
pub(crate) async fn rules(tx: &mut PgConnection, store: StoreId, at: Timestamp) -> Result<Rules> {
    Ok(Rules { policy: in_force(tx, at).await?, hours: stores::find(tx, store).await?.hours })
}

/// The policy in force at an instant.
pub(crate) async fn in_force(tx: &mut PgConnection, at: Timestamp) -> Result<Policy> {
    let row = sqlx::query!(
        "SELECT version, first_reply_minutes, handling_minutes, result_minutes, revisit_minutes
         FROM complaint.clock_policies WHERE start_time <= $1 ORDER BY start_time DESC LIMIT 1",
        sql::at(at) as _,
    )
    .fetch_one(tx)
    .await?;
    Ok(Policy {
        version: row.version,
        first_reply: minutes(row.first_reply_minutes),
        handling: minutes(row.handling_minutes),
        result: minutes(row.result_minutes),
        revisit: minutes(row.revisit_minutes),
    })
}

fn minutes(count: i32) -> Duration {
    // The table holds positive numbers only.
    Duration::from_mins(u64::from(count.unsigned_abs()))
}
