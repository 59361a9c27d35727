//! `ListSegmentCustomers`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, SegmentId, StoreId, Violations};
use foursight_proto::customer::v1::{ListSegmentCustomersRequest, ListSegmentCustomersResponse};
use uuid::Uuid;

use super::{
    SegmentError,
    ask::{self, asking},
    row,
};
use crate::{context::Context, customers};

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
