//! Records a reply to the customer. The first one stops the first-reply clock; later ones are kept as steps.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, ReplyCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Asked, Order},
    state::Command,
};

const METHOD: &str = "ReplyCase";

pub(crate) async fn reply(desk: &Desk, caller: &Principal, mut request: ReplyCaseRequest) -> Result<Case> {
    let (id, note, request_id) = advance::read(&request.name, &request.note, &mut request.request_id)?;
    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order { method: METHOD, command: Command::Reply, note, detail: json!({}) };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}
