//! Reopens a closed case, within 30 days of its closing, because the customer came back.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, ReopenCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Asked, Order},
    state::Command,
};

const METHOD: &str = "ReopenCase";

pub(crate) async fn reopen(desk: &Desk, caller: &Principal, mut request: ReopenCaseRequest) -> Result<Case> {
    let (id, note, request_id) = advance::read(&request.name, &request.note, &mut request.request_id)?;
    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order { method: METHOD, command: Command::Reopen, note, detail: json!({}) };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}
