//! Records the re-visit 回访, by somebody other than the handler. Satisfied: closed. Not satisfied: a new loop.

use foursight_access::Principal;
use foursight_kernel::{Error, Result};
use foursight_proto::complaint::v1::{Case, RevisitCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Order, Work},
    state::Command,
};

pub(crate) async fn revisit(desk: &Desk, caller: &Principal, request: RevisitCaseRequest) -> Result<Case> {
    let (id, note) = advance::read(&request.name, &request.note)?;
    let satisfied =
        request.satisfied.ok_or_else(|| Error::invalid_field("satisfied", "is required: true or false"))?;
    let order = Order {
        method: "RevisitCase",
        command: Command::Revisit { satisfied },
        note,
        detail: json!({"satisfied": satisfied}),
    };
    Work::begin(desk, caller, id, &request.etag).await?.finish(order).await
}
