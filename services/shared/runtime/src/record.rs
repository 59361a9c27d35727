//! What stands beside a change in its transaction: the event that tells it, and the audit row that says who did it.

use std::sync::LazyLock;

use foursight_access::{
    Principal,
    audit::{self, Action},
};
use foursight_kernel::{Ids, Result};
use foursight_messaging::{NewEvent, outbox};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};

/// Writes a change's event and its audit row in one round trip: what [`outbox::append`] and [`audit::record`] do in two.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn change(
    tx: &mut PgConnection,
    ids: &Ids,
    caller: &Principal,
    now: Timestamp,
    event: NewEvent,
    action: Action<'_>,
) -> Result<()> {
    static BOTH: LazyLock<String> =
        LazyLock::new(|| format!("WITH told AS ({}) {}", outbox::insert(1), audit::insert(9)));
    let statement = outbox::bind(sqlx::query(AssertSqlSafe(BOTH.as_str())), ids.uuid(), now, event);
    audit::bind(statement, caller, now, action).execute(tx).await?;
    Ok(())
}
