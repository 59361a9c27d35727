//! `PreviewSegment`, `CountSegment` and `ListSegmentCustomers`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, SegmentId, StoreId, Violations, time};
use foursight_proto::customer::v1::{
    CountSegmentRequest, CountSegmentResponse, ListSegmentCustomersRequest, ListSegmentCustomersResponse,
    PreviewSegmentRequest, PreviewSegmentResponse,
};
use uuid::Uuid;

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

/// A segment's customers, newest files first.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `STORE_OUT_OF_REACH`.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListSegmentCustomersRequest,
) -> Result<ListSegmentCustomersResponse> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("parent", &request.parent);
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    let page = Page::<CustomerId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let segment = row::read(&mut tx, caller, id.ok_or(SegmentError::NotFound)?).await?;
    let asking = asking(ctx, caller, segment.store(), store).await?;
    let before = page.after.map(CustomerId::uuid);
    let ids = ask::ids(&mut tx, &segment.condition()?, &asking, before, page.limit).await?;
    let (ids, next_page_token) = page.finish(ids, |id: &Uuid| CustomerId::from(*id))?;
    let mut customers = customers::read(&mut tx, &ctx.keys, &ids).await?;
    drop(tx);
    customers::tell_next_birthdays(ctx, &mut customers).await;
    Ok(ListSegmentCustomersResponse { customers, next_page_token })
}
