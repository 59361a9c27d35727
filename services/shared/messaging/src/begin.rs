//! Beginning a transaction on a pool whose connections may have died while they lay there.

use foursight_kernel::{Error, Result};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

/// Begins a transaction with `statement`, in one round trip. A pool that asked each connection how it is would need one more
/// for every transaction; instead, connections that have died are passed over here. Nothing was said on them yet, so that
/// beginning again is safe.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn begin(pool: &PgPool, statement: &str) -> Result<Transaction<'static, Postgres>> {
    let (most, mut dead) = (pool.options().get_max_connections(), 0);
    loop {
        // A task of its own, so that a caller who gives up in the middle leaves no connection in a transaction that nobody
        // knows of: it is begun all the same, and rolled back.
        let (pool, statement) = (pool.clone(), AssertSqlSafe(statement.to_owned()));
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        match begun.await.map_err(Error::internal)? {
            Ok(tx) => return Ok(tx),
            // No connection could be had: the pool has waited long enough.
            Err(error @ (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)) => return Err(error.into()),
            Err(error) => {
                let error = Error::from(error);
                if !error.is_transient() || dead == most {
                    return Err(error);
                }
                dead += 1;
            }
        }
    }
}
