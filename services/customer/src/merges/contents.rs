//! How much a file has of each kind, for who is about to decide.

use foursight_kernel::{CustomerId, Result, sql};
use foursight_proto::customer::v1::MergedKind;
use jiff::Timestamp;
use sqlx::PgConnection;

/// Which of a file's rows are counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    All,
    /// Its own ones that came since then.
    Since(Timestamp),
    /// Those that came with a file that it absorbed.
    Of(CustomerId),
}

/// The kinds of which there are any, in the whole group, for a caller who sees the file.
pub(super) async fn count(tx: &mut PgConnection, file: CustomerId, which: Which) -> Result<Vec<MergedKind>> {
    let (since, part) = match which {
        Which::All => (None, None),
        Which::Since(time) => (Some(sql::at(time)), None),
        Which::Of(part) => (None, Some(part.uuid())),
    };
    let rows = sqlx::query!(
        r#"SELECT its_table AS "kind!", rows AS "count!" FROM customer.file_contents($1, $2, $3) WHERE rows > 0"#,
        file.uuid(),
        since as _,
        part,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| MergedKind { kind: row.kind, count: row.count }).collect())
}
