//! `DeleteSegment`.

use foursight_access::Principal;
use foursight_kernel::{Result, SegmentId, Violations, sql};
use foursight_proto::customer::v1::{DeleteSegmentRequest, Segment};

use super::{SegmentError, row};
use crate::context::Context;

/// Takes a segment out of use. One that is archived stays as it is.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `SEGMENT_CHANGED`.
pub(super) async fn delete(
    ctx: &Context,
    caller: &Principal,
    request: &DeleteSegmentRequest,
) -> Result<Segment> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(SegmentError::NotFound.into()) };
    let mut tx = ctx.db.begin(caller).await?;
    let row = row::lock(&mut tx, caller, id, &request.etag).await?;
    if row.archive_time.is_some() {
        return row::told(&mut tx, &row).await;
    }
    sqlx::query!(
        "UPDATE customer.segments SET archive_time = $2, update_time = $2, version = version + 1 WHERE id = $1",
        id.uuid(),
        sql::at(ctx.now()) as _,
    )
    .execute(&mut *tx)
    .await?;
    row::finish(ctx, caller, tx, (id, row.store()), "DeleteSegment").await
}
