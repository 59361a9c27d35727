//! The files that are one file now.

use std::collections::BTreeSet;

use foursight_kernel::{CustomerId, Result};
use sqlx::PgConnection;

/// A file and those that were merged into it, and into those, as far as the transaction's caller reaches.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn parts(tx: &mut PgConnection, customer: CustomerId) -> Result<BTreeSet<CustomerId>> {
    let parts = sqlx::query_scalar!("SELECT customer.absorbed_by($1)", customer.uuid()).fetch_one(tx).await?;
    Ok(parts.unwrap_or_default().into_iter().map(CustomerId::from).collect())
}
