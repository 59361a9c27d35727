//! `PreviewSegment`.

use foursight_access::Principal;
use foursight_kernel::{Result, StoreId, Violations};
use foursight_proto::customer::v1::{PreviewSegmentRequest, PreviewSegmentResponse};

use super::{
    SegmentError,
    ask::{self, asking},
    condition, row,
    words::words,
};
use crate::{context::Context, customers};

/// How many files a preview shows.
const SHOWN: i64 = 10;

/// What a condition that is not saved comes to.
///
/// # Errors
/// `STORE_OUT_OF_REACH`, and every wrong field at once.
pub(super) async fn preview(
    ctx: &Context,
    caller: &Principal,
    request: &PreviewSegmentRequest,
) -> Result<PreviewSegmentResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    let tree = condition::parse(&mut v, "condition", request.condition.as_ref());
    v.check()?;
    let Some(tree) = tree else { return Err(SegmentError::NotFound.into()) };
    let asking = asking(ctx, caller, None, store).await?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let count = ask::count(&mut tx, &tree, &asking).await?;
    let ids = ask::ids(&mut tx, &tree, &asking, None, SHOWN).await?;
    let customers = customers::read(&mut tx, &ctx.keys, &ids).await?;
    let tags = row::tag_names(&mut tx, [&tree]).await?;
    Ok(PreviewSegmentResponse { count, customers, words: Some(words(&tree, &tags)) })
}
