//! Records a reply to the customer. The first one stops the first-reply clock; later ones are kept as steps.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, ReplyCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Order, Work},
    state::Command,
};

pub(crate) async fn reply(desk: &Desk, caller: &Principal, request: ReplyCaseRequest) -> Result<Case> {
    let (id, note) = advance::read(&request.name, &request.note)?;
    let order = Order { method: "ReplyCase", command: Command::Reply, note, detail: json!({}) };
    Work::begin(desk, caller, id, &request.etag).await?.finish(order).await
}
