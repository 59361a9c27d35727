//! `UpdateSegment`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, SegmentId, Violations, sql};
use foursight_proto::customer::v1::{Segment, UpdateSegmentRequest};
use prost::Message as _;

use super::{
    SegmentError,
    row::{self, Said},
};
use crate::context::Context;

/// Puts what a segment says in place of what it said.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `SEGMENT_CHANGED`, `SEGMENT_ARCHIVED`, and every wrong field at once.
pub(super) async fn update(
    ctx: &Context,
    caller: &Principal,
    request: &UpdateSegmentRequest,
) -> Result<Segment> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("name", &request.name);
    let said = Said::parse(&mut v, &request.segment.clone().unwrap_or_default());
    v.check()?;
    let (Some(id), Some(said)) = (id, said) else { return Err(SegmentError::NotFound.into()) };
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let row = row::lock(&mut tx, caller, id, &request.etag).await?;
    if row.archive_time.is_some() {
        return Err(SegmentError::Archived.into());
    }
    if said.store.is_some_and(|store| Some(store) != row.store()) {
        let message = "must be the segment's own, or absent: whose a segment is stays as it is";
        return Err(Error::invalid_field("segment.store", message));
    }
    if row.shared && !said.shared && row.creator != caller.subject.name() {
        let message = "is taken back by who made the segment: nobody else hides it from those who use it";
        return Err(Error::invalid_field("segment.shared", message));
    }
    sqlx::query!(
        "UPDATE customer.segments
         SET display_name = $2, description = $3, condition = $4, shared = $5, version = version + 1, update_time = $6
         WHERE id = $1",
        id.uuid(),
        said.display_name,
        said.description,
        said.condition.encode_to_vec(),
        said.shared,
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    row::finish(ctx, caller, tx, (id, row.store()), "UpdateSegment").await
}
