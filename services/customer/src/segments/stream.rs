//! `StreamSegmentCustomers`.

use std::time::Duration;

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Result, SegmentId, StoreId, Violations};
use foursight_proto::customer::v1::{StreamSegmentCustomersRequest, StreamSegmentCustomersResponse};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::sync::mpsc;
use tonic::Status;
use uuid::Uuid;

use super::{SegmentError, ask::Members};
use crate::context::Context;

/// Names in a message.
const IN_A_MESSAGE: i64 = 5_000;
/// Messages that wait for who reads.
const WAITING: usize = 2;
/// For how long nobody reads before the stream ends.
const PATIENCE: Duration = Duration::from_mins(1);

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
    let mut members = Members::of(ctx, caller, id.ok_or(SegmentError::NotFound)?, store).await?;
    let (messages, mut receive) = mpsc::channel(WAITING);
    let (ctx, caller) = (ctx.clone(), caller.clone());
    tokio::spawn(async move {
        while let Some(ids) = members.next(&ctx, &caller, IN_A_MESSAGE).await.transpose() {
            let failed = ids.is_err();
            let message = ids.map(message).map_err(Status::from);
            if messages.send_timeout(message, PATIENCE).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(stream::poll_fn(move |context| receive.poll_recv(context)).boxed())
}

fn message(ids: Vec<Uuid>) -> StreamSegmentCustomersResponse {
    StreamSegmentCustomersResponse {
        customers: ids.into_iter().map(|id| CustomerId::from(id).name()).collect(),
    }
}
