//! `CountSegment`.

use foursight_access::Principal;
use foursight_kernel::{Result, SegmentId, StoreId, Violations, time};
use foursight_proto::customer::v1::{CountSegmentRequest, CountSegmentResponse};

use super::{
    SegmentError,
    ask::{self, asking},
    row,
};
use crate::context::Context;

/// How many customers a segment has now.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `STORE_OUT_OF_REACH`.
pub(super) async fn count(
    ctx: &Context,
    caller: &Principal,
    request: &CountSegmentRequest,
) -> Result<CountSegmentResponse> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("name", &request.name);
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    let now = ctx.now();
    let mut tx = ctx.db.begin_list(caller).await?;
    let segment = row::read(&mut tx, caller, id.ok_or(SegmentError::NotFound)?).await?;
    let asking = asking(ctx, caller, segment.store(), store).await?;
    let count = ask::count(&mut tx, &segment.condition()?, &asking).await?;
    Ok(CountSegmentResponse { count, count_time: Some(time::to_proto(now)) })
}
