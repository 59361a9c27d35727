//! `ListMerges`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, MergeId, Page, Result, Violations};
use foursight_proto::customer::v1::{ListMergesRequest, ListMergesResponse};

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    merges::row::MergeRow,
};

/// The merges by which a file became what it is, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListMergesRequest,
) -> Result<ListMergesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<MergeId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        MergeRow,
        r#"SELECT m.id, m.survivor_id, m.absorbed_id, m.store_id, m.staff_id, m.reason, m.taken, m.merge_time, m.undo_until,
                  m.undo_time, m.undo_staff_id, m.undo_reason, m.remove_time, m.survivor_id AS "survivor_now?"
           FROM customer.merges m
           WHERE m.survivor_id = $1 AND ($2::uuid IS NULL OR m.id < $2)
           ORDER BY m.id DESC LIMIT $3"#,
        customer.uuid(),
        page.after.map(MergeId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    Ok(ListMergesResponse { merges: rows.iter().map(|row| row.to_proto(caller)).collect(), next_page_token })
}
