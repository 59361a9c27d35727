//! Records that the customer was told the result, and starts the re-visit's clock.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, TellCaseResultRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Order, Work},
    state::Command,
};

pub(crate) async fn tell_result(
    desk: &Desk,
    caller: &Principal,
    request: TellCaseResultRequest,
) -> Result<Case> {
    let (id, note) = advance::read(&request.name, &request.note)?;
    let order = Order { method: "TellCaseResult", command: Command::TellResult, note, detail: json!({}) };
    Work::begin(desk, caller, id, &request.etag).await?.finish(order).await
}
