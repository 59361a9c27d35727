//! Reopens a closed case, within 30 days of its closing, because the customer came back.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, ReopenCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Order, Work},
    state::Command,
};

pub(crate) async fn reopen(desk: &Desk, caller: &Principal, request: ReopenCaseRequest) -> Result<Case> {
    let (id, note) = advance::read(&request.name, &request.note)?;
    let order = Order { method: "ReopenCase", command: Command::Reopen, note, detail: json!({}) };
    Work::begin(desk, caller, id, &request.etag).await?.finish(order).await
}
