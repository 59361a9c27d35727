//! Files by the keys of their names, in the keys' order.
//!
//! In the order of keys, because a page is then a piece of an index: of a surname's hundred thousand files the newest fifty could
//! only be told by looking at all of them.

use foursight_kernel::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BY_NAME, Candidate, exact};
use crate::customers::search::Search;

/// The store of keys that are the whole group's.
const GROUP: Uuid = Uuid::nil();

/// After which key of which file.
#[derive(Debug)]
pub(super) struct After {
    key: String,
    pub(super) customer: Uuid,
}

/// So many places after one, and the last of them. A file with several keys in the ranges has a place at each, and only the first one
/// is its own.
pub(super) async fn files(
    tx: &mut PgConnection,
    search: &Search,
    stores: Option<&[Uuid]>,
    after: Option<&After>,
    most: i64,
) -> Result<(Vec<Candidate>, Option<After>)> {
    let (first, last) = ranges(search);
    if first.is_empty() {
        return Ok((Vec::new(), None));
    }
    let rows = sqlx::query!(
        r#"SELECT k.key AS "key!", k.customer_id AS "id!", (
               SELECT count(DISTINCT e.key)
               FROM customer.name_keys e
               JOIN unnest($2::text[], $3::text[]) AS range (first, last)
                    ON e.key >= range.first COLLATE "C" AND e.key < range.last COLLATE "C"
               WHERE e.customer_id = k.customer_id AND e.store_id = ANY ($1) AND e.key < k.key
           ) AS "earlier!"
           FROM (
               SELECT DISTINCT n.key, n.customer_id
               FROM unnest($1::uuid[]) AS scope (id)
               CROSS JOIN unnest($2::text[], $3::text[]) AS range (first, last)
               CROSS JOIN LATERAL (
                   SELECT key, customer_id FROM customer.name_keys
                   WHERE store_id = scope.id
                     AND key >= range.first COLLATE "C" AND key < range.last COLLATE "C"
                     AND (key, customer_id) > ($4 COLLATE "C", $5)
                   ORDER BY key, customer_id LIMIT $6
               ) n
               ORDER BY n.key, n.customer_id LIMIT $6
           ) k
           ORDER BY k.key, k.customer_id"#,
        stores.unwrap_or(&[GROUP]),
        &first as _,
        &last as _,
        after.map_or("", |after| after.key.as_str()),
        after.map_or(GROUP, |after| after.customer),
        most,
    )
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    // Those stood at the beginning.
    let told = if search.is_exact() && !ids.is_empty() {
        exact::files(tx, search, stores, Some(&ids), None, i64::MAX).await?
    } else {
        Vec::new()
    };
    let end = rows.last().map(|row| After { key: row.key.clone(), customer: row.id });
    let candidate = |id, earlier| Candidate {
        id,
        place: (BY_NAME, id, earlier),
        again: earlier > 0 || told.contains(&id),
    };
    Ok((rows.iter().map(|row| candidate(row.id, row.earlier)).collect(), end))
}

/// The key at this place of a file, if it still has so many.
pub(super) async fn key_at(
    tx: &mut PgConnection,
    search: &Search,
    stores: Option<&[Uuid]>,
    customer: Uuid,
    nth: i64,
) -> Result<Option<After>> {
    let (first, last) = ranges(search);
    let key = sqlx::query_scalar!(
        r#"SELECT DISTINCT e.key AS "key!"
           FROM customer.name_keys e
           JOIN unnest($2::text[], $3::text[]) AS range (first, last)
                ON e.key >= range.first COLLATE "C" AND e.key < range.last COLLATE "C"
           WHERE e.customer_id = $4 AND e.store_id = ANY ($1)
           ORDER BY e.key OFFSET greatest($5::bigint, 0) LIMIT 1"#,
        stores.unwrap_or(&[GROUP]),
        &first as _,
        &last as _,
        customer,
        nth,
    )
    .fetch_optional(tx)
    .await?;
    Ok(key.map(|key| After { key, customer }))
}

fn ranges(search: &Search) -> (Vec<&str>, Vec<&str>) {
    search.names.iter().map(|(first, last)| (first.as_str(), last.as_str())).unzip()
}
