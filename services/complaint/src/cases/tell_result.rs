//! Records that the customer was told the result, and starts the re-visit's clock.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::complaint::v1::{Case, TellCaseResultRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Asked, Order},
    state::Command,
};

const METHOD: &str = "TellCaseResult";

pub(crate) async fn tell_result(
    desk: &Desk,
    caller: &Principal,
    mut request: TellCaseResultRequest,
) -> Result<Case> {
    let (id, note, request_id) = advance::read(&request.name, &request.note, &mut request.request_id)?;
    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order { method: METHOD, command: Command::TellResult, note, detail: json!({}) };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}
