//! What stands beside a change in its transaction: the event that tells it, and the audit row that says who did it.

use std::sync::LazyLock;

use foursight_access::{
    Principal,
    audit::{self, Action},
};
use foursight_database::Statement;
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

/// A statement that writes a change, its event and its audit row, and says itself how far it reaches: in a transaction, or as one
/// of its own ([`Database::carry_out`](crate::Database::carry_out)). `writing` has so many `values` and goes on after the clauses
/// of a `WITH`. What it writes under row-level security it takes from the clause `reach`, so that this is said before:
/// `INSERT INTO leads (id, …) SELECT $1, … FROM reach`.
pub fn statement(writing: &str, values: usize) -> String {
    format!(
        "WITH reach AS MATERIALIZED (
             SELECT set_config('foursight.reach', coalesce(${}, current_setting('foursight.reach', true)), true)
         ), told AS ({}), recorded AS ({}), {writing}",
        values + 1,
        outbox::insert(values + 2),
        audit::insert(values + 10),
    )
}

/// Gives a [`statement`] its values after its own. `reach` is absent in a transaction that has said it.
pub fn bind<'q>(
    statement: Statement<'q>,
    reach: Option<String>,
    ids: &Ids,
    caller: &Principal,
    now: Timestamp,
    event: NewEvent,
    action: Action<'_>,
) -> Statement<'q> {
    audit::bind(outbox::bind(statement.bind(reach), ids.uuid(), now, event), caller, now, action)
}
