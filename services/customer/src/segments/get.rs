//! `GetSegment`.

use foursight_access::Principal;
use foursight_kernel::{Result, SegmentId, Violations};
use foursight_proto::customer::v1::{GetSegmentRequest, Segment};

use super::{SegmentError, row};
use crate::context::Context;

/// One segment.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`.
pub(super) async fn get(ctx: &Context, caller: &Principal, request: &GetSegmentRequest) -> Result<Segment> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("name", &request.name);
    v.check()?;
    let mut tx = ctx.db.begin(caller).await?;
    let row = row::read(&mut tx, caller, id.ok_or(SegmentError::NotFound)?).await?;
    row::told(&mut tx, &row).await
}
