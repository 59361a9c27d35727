//! Files by the keys of their names, in the keys' order.
//!
//! In the order of keys, because a page is then a piece of an index: of a surname's hundred thousand files the newest fifty could
//! only be told by looking at all of them.

use foursight_kernel::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BY_NAME, Candidate, exact};
use crate::customers::search::Search;

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
    let left = left(search, after);
    if left.is_empty() {
        return Ok((Vec::new(), None));
    }
    let rows = match stores {
        Some(stores) => of_stores(tx, &left, stores, most).await?,
        None => of_group(tx, &left, most).await?,
    };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    // Those stood at the beginning.
    let told = if search.is_exact() && !ids.is_empty() {
        exact::files(tx, search, stores, Some(&ids), None, i64::MAX).await?
    } else {
        Vec::new()
    };
    let end = rows.last().map(|row| After { key: row.key.clone(), customer: row.id });
    let candidate = |row: &Row| {
        let earlier = within(search, &row.keys).filter(|key| **key < row.key).count();
        Candidate {
            id: row.id,
            place: (BY_NAME, row.id, i64::try_from(earlier).unwrap_or(i64::MAX)),
            again: earlier > 0 || told.contains(&row.id),
        }
    };
    Ok((rows.iter().map(candidate).collect(), end))
}

/// A file at one of its keys, with all that it has.
struct Row {
    key: String,
    id: Uuid,
    keys: Vec<String>,
}

async fn of_stores(tx: &mut PgConnection, left: &[Part<'_>], stores: &[Uuid], most: i64) -> Result<Vec<Row>> {
    let (keys, ids, ends) = columns(left);
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT k.key AS "key!", k.customer_id AS "id!", n.keys AS "keys!"
           FROM (
               SELECT DISTINCT n.key, n.customer_id
               FROM unnest($1::uuid[]) AS scope (id)
               CROSS JOIN unnest($2::text[], $3::uuid[], $4::text[]) AS part (key, id, last)
               CROSS JOIN LATERAL (
                   SELECT key, customer_id FROM customer.name_keys
                   WHERE store_id = scope.id
                     AND (key, customer_id) > (part.key COLLATE "C", part.id) AND key < part.last COLLATE "C"
                   ORDER BY key, customer_id LIMIT $5
               ) n
               ORDER BY n.key, n.customer_id LIMIT $5
           ) k JOIN customer.named_files n USING (customer_id)
           ORDER BY k.key, k.customer_id"#,
        stores,
        &keys as _,
        &ids,
        &ends as _,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

async fn of_group(tx: &mut PgConnection, left: &[Part<'_>], most: i64) -> Result<Vec<Row>> {
    let (keys, ids, ends) = columns(left);
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT k.key AS "key!", k.customer_id AS "id!", n.keys AS "keys!"
           FROM (
               SELECT n.key, n.customer_id
               FROM unnest($1::text[], $2::uuid[], $3::text[]) AS part (key, id, last)
               CROSS JOIN LATERAL (
                   SELECT DISTINCT key, customer_id FROM customer.name_keys
                   WHERE (key, customer_id) > (part.key COLLATE "C", part.id) AND key < part.last COLLATE "C"
                   ORDER BY key, customer_id LIMIT $4
               ) n
               ORDER BY n.key, n.customer_id LIMIT $4
           ) k JOIN customer.named_files n USING (customer_id)
           ORDER BY k.key, k.customer_id"#,
        &keys as _,
        &ids,
        &ends as _,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// Those of a file's keys that a search finds it by, in their order.
fn within<'a>(search: &'a Search, keys: &'a [String]) -> impl Iterator<Item = &'a String> {
    keys.iter().filter(|key| search.names.iter().any(|(first, last)| first <= *key && *key < last))
}

/// The key at this place of a file, if it still has so many.
pub(super) async fn key_at(
    tx: &mut PgConnection,
    search: &Search,
    customer: Uuid,
    nth: i64,
) -> Result<Option<After>> {
    let keys = sqlx::query_scalar!("SELECT keys FROM customer.named_files WHERE customer_id = $1", customer)
        .fetch_optional(tx)
        .await?
        .unwrap_or_default();
    let key = usize::try_from(nth).ok().and_then(|nth| within(search, &keys).nth(nth));
    Ok(key.map(|key| After { key: key.clone(), customer }))
}

/// A piece of the index: after a key of a file, before a key.
type Part<'a> = (&'a str, Uuid, &'a str);

/// What is left of the ranges after a place. One lower bound for each, which the index begins at: of two, it may take the lower one.
fn left<'a>(search: &'a Search, after: Option<&'a After>) -> Vec<Part<'a>> {
    let part = |(first, last): &'a (String, String)| match after {
        Some(after) if after.key >= *last => None,
        Some(after) if after.key >= *first => Some((after.key.as_str(), after.customer, last.as_str())),
        // No file has the nil UUID: this is before all that have the key.
        _ => Some((first.as_str(), Uuid::nil(), last.as_str())),
    };
    search.names.iter().filter_map(part).collect()
}

fn columns<'a>(parts: &[Part<'a>]) -> (Vec<&'a str>, Vec<Uuid>, Vec<&'a str>) {
    let keys = parts.iter().map(|part| part.0).collect();
    (keys, parts.iter().map(|part| part.1).collect(), parts.iter().map(|part| part.2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_within_a_range_and_leaves_those_before_it_out() {
        let names = [("ia", "ib"), ("na", "nb"), ("pa", "pb")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let search = Search { names: names.to_vec(), ..Search::default() };
        let whole = [("ia", Uuid::nil(), "ib"), ("na", Uuid::nil(), "nb"), ("pa", Uuid::nil(), "pb")];
        assert_eq!(left(&search, None), whole);
        let last = After { key: "nab".to_owned(), customer: Uuid::max() };
        assert_eq!(left(&search, Some(&last)), [("nab", Uuid::max(), "nb"), ("pa", Uuid::nil(), "pb")]);
    }
}
