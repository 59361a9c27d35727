//! `ListTags`.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, TagId};
use foursight_proto::customer::v1::{ListTagsRequest, ListTagsResponse};

use crate::{context::Context, tags::TagRow};

/// The catalogue, newest first.
///
/// # Errors
/// A wrong page.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListTagsRequest,
) -> Result<ListTagsResponse> {
    let page = Page::<TagId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        TagRow,
        "SELECT id, display_name_zh, display_name_en, create_time, archive_time, request_hash
         FROM customer.tags
         WHERE ($1 OR archive_time IS NULL) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        request.with_archived,
        page.after.map(TagId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    Ok(ListTagsResponse { tags: rows.iter().map(TagRow::to_proto).collect(), next_page_token })
}
