//! Steps at something that is there already, taken once for each request id.

use foursight_kernel::{RequestKey, Result, StoreId, sql};
use jiff::Timestamp;
use sqlx::PgConnection;

/// Whether the request has not taken its step yet; from then on it has, unless the transaction fails. To be asked as soon as
/// the thing is locked, and before the step is checked: what it did itself must not refuse it.
///
/// # Errors
/// `REQUEST_ID_REUSED` when the id came with another request, of anybody.
pub async fn is_new(
    tx: &mut PgConnection,
    key: Option<&RequestKey>,
    store: StoreId,
    now: Timestamp,
) -> Result<bool> {
    let Some(key) = key else { return Ok(true) };
    let noted = sqlx::query(
        "INSERT INTO step_requests (request_id, request_hash, store_id, step_time) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(key.id)
    .bind(&key.hash)
    .bind(store.uuid())
    .bind(sql::at(now))
    .execute(&mut *tx)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(true);
    }
    let kept: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT request_hash FROM step_requests WHERE request_id = $1")
            .bind(key.id)
            .fetch_optional(tx)
            .await?;
    key.confirm(kept.as_deref()).map(|()| false)
}
