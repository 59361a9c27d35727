//! Records the re-visit 回访, by somebody other than the handler. Satisfied: closed. Not satisfied: a new loop.

use foursight_access::Principal;
use foursight_kernel::{Error, Result};
use foursight_proto::complaint::v1::{Case, RevisitCaseRequest};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Asked, Order},
    state::Command,
};

const METHOD: &str = "RevisitCase";

pub(crate) async fn revisit(
    desk: &Desk,
    caller: &Principal,
    mut request: RevisitCaseRequest,
) -> Result<Case> {
    let (id, note, request_id) = advance::read(&request.name, &request.note, &mut request.request_id)?;
    let satisfied =
        request.satisfied.ok_or_else(|| Error::invalid_field("satisfied", "is required: true or false"))?;
    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order {
        method: METHOD,
        command: Command::Revisit { satisfied },
        note,
        detail: json!({"satisfied": satisfied}),
    };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}
