//! The second step: which rows are about the same, by what they say and by the files that it leads to.

use foursight_kernel::sql;
use foursight_proto::customer::v1::ImportState;

use crate::imports::{kind::Kind, run::Step};

use super::{Stop, Work, guard, plan_freely};

/// Finds rows with a key in common. When all that have it say the same, the first of them stands for the others; otherwise all of them
/// are in conflict: which of them is right, no order of rows can say.
pub(in crate::imports) async fn compare<K: Kind>(kind: K, work: &Work) -> Result<(), Stop> {
    let id = work.run.id;
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    plan_freely(&mut tx).await?;
    kind.lead_on(&mut tx, &work.run).await?;
    sqlx::query!(
        "WITH shared AS (
             SELECT k.key, min(k.row_number) AS first_row FROM customer.import_keys k
             WHERE k.import_id = $1 GROUP BY k.key HAVING count(*) > 1
         ), first AS (
             SELECT s.key, s.first_row, k.content FROM shared s
             JOIN customer.import_keys k ON k.import_id = $1 AND k.key = s.key AND k.row_number = s.first_row
         ), other AS (
             SELECT f.key, f.first_row, f.content, min(k.row_number) FILTER (WHERE k.content <> f.content) AS other_row
             FROM first f JOIN customer.import_keys k ON k.import_id = $1 AND k.key = f.key
             GROUP BY f.key, f.first_row, f.content
         )
         INSERT INTO customer.import_twins (import_id, row_number, other_row, same)
         SELECT $1, k.row_number,
                coalesce(min(CASE WHEN o.other_row IS NULL THEN NULL WHEN k.content = o.content THEN o.other_row
                                  ELSE o.first_row END),
                         min(o.first_row)),
                bool_and(o.other_row IS NULL)
         FROM other o JOIN customer.import_keys k ON k.import_id = $1 AND k.key = o.key
         GROUP BY k.row_number
         HAVING NOT bool_and(o.other_row IS NULL) OR k.row_number <> min(o.first_row)",
        id,
    )
    .execute(&mut *tx)
    .await?;
    // From here on nobody asks for them.
    sqlx::query!("DELETE FROM customer.import_keys WHERE import_id = $1", id).execute(&mut *tx).await?;
    let state = if work.run.dry_run { ImportState::Checking } else { ImportState::Applying };
    sqlx::query!(
        "UPDATE customer.imports SET step = $2, state = $3, attempts = 0, version = version + 1, update_time = $4 WHERE id = $1",
        id,
        Step::Rows as i16,
        sql::number(state),
        sql::at(work.ctx.now()) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}
