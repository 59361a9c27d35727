//! Files newest first: by their ids, which carry the time at which they were opened.

use foursight_kernel::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Filter;

/// The store of labels that are the whole group's.
const GROUP: Uuid = Uuid::nil();

/// All of these stores, or of the group. Of a filter, only when the file was opened is looked at: that is a range of ids.
pub(super) async fn all(
    tx: &mut PgConnection,
    stores: Option<&[Uuid]>,
    filter: &Filter,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let (first, end) = filter.ids();
    let before = after.map_or(end, |after| after.min(end));
    match stores {
        Some(stores) => of_stores(tx, stores, first, before, most).await,
        None => of_group(tx, first, before, most).await,
    }
}

/// The newest of each store by its index, then the newest of those: row-level security alone would look at every file.
async fn of_stores(
    tx: &mut PgConnection,
    stores: &[Uuid],
    first: Uuid,
    before: Uuid,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT newest.customer_id AS "id!"
           FROM unnest($1::uuid[]) AS store (id)
           CROSS JOIN LATERAL (
               SELECT customer_id FROM customer.customer_stores
               WHERE store_id = store.id AND customer_id >= $2 AND customer_id < $3
               ORDER BY customer_id DESC LIMIT $4
           ) newest
           ORDER BY 1 DESC LIMIT $4"#,
        stores,
        first,
        before,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

async fn of_group(tx: &mut PgConnection, first: Uuid, before: Uuid, most: i64) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM customer.customers WHERE id >= $1 AND id < $2 AND merged_into IS NULL ORDER BY id DESC LIMIT $3",
        first,
        before,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

/// Those with an open lead of this owner, of whom nobody has many.
pub(super) async fn of_owner(
    tx: &mut PgConnection,
    owner: Uuid,
    stores: Option<&[Uuid]>,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT customer_id AS "id!" FROM customer.leads
           WHERE owner_id = $1 AND state = 1 AND release_time IS NULL
             AND ($2::uuid[] IS NULL OR store_id = ANY ($2))
             AND ($3::uuid IS NULL OR customer_id < $3)
           ORDER BY 1 DESC LIMIT $4"#,
        owner,
        stores,
        after,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

/// Those with this label. Each store has its own labels, and the group, too: so each is a range of one index.
pub(super) async fn labelled(
    tx: &mut PgConnection,
    label: Uuid,
    stores: Option<&[Uuid]>,
    filter: &Filter,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let (first, end) = filter.ids();
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT newest.customer_id AS "id!"
           FROM unnest($1::uuid[]) AS store (id)
           CROSS JOIN LATERAL (
               SELECT customer_id FROM customer.file_labels
               WHERE store_id = store.id AND label = $2 AND customer_id >= $3 AND customer_id < $4
               ORDER BY customer_id DESC LIMIT $5
           ) newest
           ORDER BY 1 DESC LIMIT $5"#,
        stores.unwrap_or(&[GROUP]),
        label,
        first,
        after.map_or(end, |after| after.min(end)),
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
