//! What tags are called, for who tells of them in words.

use std::collections::HashMap;

use foursight_kernel::Result;
use sqlx::PgConnection;
use uuid::Uuid;

/// Names of tags, in Chinese and in English.
pub(crate) type TagNames = HashMap<Uuid, (String, String)>;

/// The names of these tags, or of all that there are and were.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn names(tx: &mut PgConnection, of: Option<Vec<Uuid>>) -> Result<TagNames> {
    if of.as_ref().is_some_and(Vec::is_empty) {
        return Ok(TagNames::default());
    }
    let known = sqlx::query!(
        "SELECT id, display_name_zh, display_name_en FROM customer.tags WHERE $1::uuid[] IS NULL OR id = ANY ($1)",
        of as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(known.into_iter().map(|tag| (tag.id, (tag.display_name_zh, tag.display_name_en))).collect())
}
