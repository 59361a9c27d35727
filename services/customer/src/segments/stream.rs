//! `StreamSegmentCustomers`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, SegmentId, StoreId, Violations};
use foursight_proto::customer::v1::{StreamSegmentCustomersRequest, StreamSegmentCustomersResponse};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tonic::Status;
use uuid::Uuid;

use super::{SegmentError, ask::Members};
use crate::context::Context;

/// Names in a message.
const IN_A_MESSAGE: i64 = 5_000;

/// The messages.
pub(super) type Messages = BoxStream<'static, Result<StreamSegmentCustomersResponse, Status>>;

/// Begins the stream. No transaction is open while somebody reads: each message goes on after the last customer of the one before.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `STORE_OUT_OF_REACH`.
pub(super) async fn stream(
    ctx: &Context,
    caller: &Principal,
    request: &StreamSegmentCustomersRequest,
) -> Result<Messages> {
    let mut v = Violations::default();
    let id: Option<SegmentId> = v.name("name", &request.name);
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    let members = Members::of(ctx, caller, id.ok_or(SegmentError::NotFound)?, store).await?;
    let state = (members, ctx.clone(), caller.clone());
    let messages = stream::try_unfold(state, async |(mut members, ctx, caller)| {
        let ids = members.next(&ctx, &caller, IN_A_MESSAGE).await?;
        Ok(ids.map(|ids| (message(ids), (members, ctx, caller))))
    });
    Ok(messages.map_err(|error: Error| Status::from(error)).boxed())
}

fn message(ids: Vec<Uuid>) -> StreamSegmentCustomersResponse {
    StreamSegmentCustomersResponse {
        customers: ids.into_iter().map(|id| CustomerId::from(id).name()).collect(),
    }
}
