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

use super::{
    SegmentError,
    ask::{self, asking},
    compile::Asking,
    condition::Condition,
    row,
};
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
    let mut tx = ctx.db.begin_list(caller).await?;
    let segment = row::read(&mut tx, caller, id.ok_or(SegmentError::NotFound)?).await?;
    drop(tx);
    let (tree, asking) = (segment.condition()?, asking(ctx, caller, segment.store(), store).await?);
    let (messages, mut receive) = mpsc::channel(WAITING);
    let (ctx, caller) = (ctx.clone(), caller.clone());
    tokio::spawn(async move {
        let mut before = None;
        loop {
            let page = page(&ctx, &caller, (&tree, &asking), before).await;
            let last = page.as_ref().ok().and_then(|ids| ids.last().copied());
            let ends =
                page.as_ref().map_or(true, |ids| i64::try_from(ids.len()).is_ok_and(|n| n < IN_A_MESSAGE));
            let message = page.map(message).map_err(Status::from);
            let sent = messages.send_timeout(message, PATIENCE).await;
            if sent.is_err() || ends {
                return;
            }
            before = last;
        }
    });
    Ok(stream::poll_fn(move |context| receive.poll_recv(context)).boxed())
}

async fn page(
    ctx: &Context,
    caller: &Principal,
    (tree, asking): (&Condition, &Asking),
    before: Option<Uuid>,
) -> Result<Vec<Uuid>> {
    let mut tx = ctx.db.begin_list(caller).await?;
    ask::ids(&mut tx, tree, asking, before, IN_A_MESSAGE).await
}

fn message(ids: Vec<Uuid>) -> StreamSegmentCustomersResponse {
    StreamSegmentCustomersResponse {
        customers: ids.into_iter().map(|id| CustomerId::from(id).name()).collect(),
    }
}
