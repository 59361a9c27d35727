//! Records what was done, with cause and measure. Whoever does it is the handler, and will not make the re-visit.

use std::mem;

use foursight_access::Principal;
use foursight_kernel::{CaseId, Result, Violations, sql};
use foursight_proto::complaint::v1::{Case, Cause, HandleCaseRequest, Measure};
use serde_json::json;

use super::{
    Desk,
    advance::{self, Asked, Order, require},
    state::Command,
};

const METHOD: &str = "HandleCase";

pub(crate) async fn handle(desk: &Desk, caller: &Principal, mut request: HandleCaseRequest) -> Result<Case> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", &request.name);
    let cause = v.required_enum::<Cause>("cause", request.cause);
    let measure = v.required_enum::<Measure>("measure", request.measure);
    let note = v.text("note", &request.note, 1..=4000);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (id, cause, measure) = (require(id)?, require(cause)?, require(measure)?);

    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order {
        method: METHOD,
        command: Command::Handle { cause, measure },
        note,
        detail: json!({"cause": sql::number(cause), "measure": sql::number(measure)}),
    };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}
