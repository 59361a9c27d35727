//! Creates that come twice at the same moment.

use foursight_kernel::{RequestKey, Result};
use sqlx::PgConnection;

/// Lets repetitions of one request wait for each other until the transaction ends, so that the second one finds what the
/// first one made.
pub(crate) async fn take_turns(tx: &mut PgConnection, key: &RequestKey) -> Result<()> {
    let (high, low) = key.id.as_u64_pair();
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", (high ^ low).cast_signed()).execute(tx).await?;
    Ok(())
}
