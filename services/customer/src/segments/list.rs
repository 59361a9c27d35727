//! `ListSegments`.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, SegmentId, StoreId, Violations};
use foursight_proto::customer::v1::{ListSegmentsRequest, ListSegmentsResponse};

use super::row::{self, Row};
use crate::context::Context;

/// Those that the caller may see, newest first.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListSegmentsRequest,
) -> Result<ListSegmentsResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    if let Some(store) = store {
        caller.require_store(store)?;
    }
    let page = Page::<SegmentId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, store_id, display_name, description, condition, shared, creator, version, create_time, update_time,
                archive_time, request_hash
         FROM customer.segments
         WHERE (shared OR creator = $1) AND ($2 OR archive_time IS NULL) AND ($3::uuid IS NULL OR store_id = $3)
           AND ($4::uuid IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5",
        caller.subject.name(),
        request.with_archived,
        store.map(StoreId::uuid),
        page.after.map(SegmentId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let trees = rows.iter().map(Row::condition).collect::<Result<Vec<_>>>()?;
    let tags = row::tag_names(&mut tx, &trees).await?;
    let segments = rows.iter().map(|row| row.to_proto(&tags)).collect::<Result<_>>()?;
    Ok(ListSegmentsResponse { segments, next_page_token })
}
