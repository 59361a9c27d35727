//! Customers whose files were merged: what is here of the one follows to the other, and goes back when that is undone.

use async_trait::async_trait;
use foursight_messaging::HandleError;
use foursight_runtime::merging::{Follow, Merging};
use sqlx::PgConnection;

/// Lets the rows follow.
pub(crate) struct Merged;

#[async_trait]
impl Follow for Merged {
    async fn follow(&self, tx: &mut PgConnection, it: Merging) -> Result<(), HandleError> {
        if it.undone {
            sqlx::query!(
                r#"SELECT complaint.part_customers($1, $2, $3) AS "parted?""#,
                it.merge,
                it.survivor,
                it.absorbed,
            )
            .fetch_one(tx)
            .await?;
        } else {
            sqlx::query!(
                r#"SELECT complaint.merge_customers($1, $2, $3) AS "merged?""#,
                it.merge,
                it.survivor,
                it.absorbed,
            )
            .fetch_one(tx)
            .await?;
        }
        Ok(())
    }
}
