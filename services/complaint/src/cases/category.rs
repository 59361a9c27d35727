//! The categories that a case may carry.

use foursight_kernel::Result;
use sqlx::PgConnection;

/// Whether a code is a category that a case may carry, rather than a branch of the tree or nothing at all.
pub(crate) async fn selectable(tx: &mut PgConnection, code: &str) -> Result<bool> {
    // Postgres takes no NUL in a text, not even to compare it.
    if code.contains('\0') {
        return Ok(false);
    }
    let found = sqlx::query_scalar!("SELECT selectable FROM complaint.categories WHERE code = $1", code)
        .fetch_optional(tx)
        .await?;
    Ok(found.unwrap_or(false))
}
