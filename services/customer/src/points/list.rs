//! `ListPointsEntries`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, PointsEntryId, Result, Violations, sql, time};
use foursight_proto::customer::v1::{ListPointsEntriesRequest, ListPointsEntriesResponse, PointsEntry};
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, date_to_proto, stores},
    scope,
};

struct EntryRow {
    id: Uuid,
    kind: i16,
    points: i64,
    store_id: Uuid,
    occur_date: sql::Date,
    create_time: sql::Timestamp,
}

/// A customer's entries, newest first, and what all of them come to.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListPointsEntriesRequest,
) -> Result<ListPointsEntriesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<PointsEntryId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT id, kind, points, store_id, occur_date, create_time FROM customer.points_entries
         WHERE customer_id = $1 AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        customer.uuid(),
        page.after.map(PointsEntryId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let balance = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(points), 0)::bigint AS "balance!" FROM customer.points_entries WHERE customer_id = $1"#,
        customer.uuid(),
    )
    .fetch_one(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let entry = |row: EntryRow| PointsEntry {
        name: format!("{}/{}", customer.name(), PointsEntryId::from(row.id).name()),
        kind: row.kind.into(),
        points: row.points,
        store: scope::store_within(caller, Some(row.store_id)),
        occur_date: Some(date_to_proto(row.occur_date.to_jiff())),
        create_time: Some(time::to_proto(row.create_time.to_jiff())),
    };
    Ok(ListPointsEntriesResponse { entries: rows.into_iter().map(entry).collect(), next_page_token, balance })
}
