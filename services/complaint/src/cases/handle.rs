//! Records what was done, with cause and measure. Whoever does it is the handler, and will not make the re-visit.

use foursight_access::Principal;
use foursight_kernel::{CaseId, Result, Violations, sql};
use foursight_proto::complaint::v1::{Case, Cause, HandleCaseRequest, Measure};
use serde_json::json;

use super::{
    Desk,
    advance::{Order, Work, require},
    state::Command,
};

pub(crate) async fn handle(desk: &Desk, caller: &Principal, request: HandleCaseRequest) -> Result<Case> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", &request.name);
    let cause = v.required_enum::<Cause>("cause", request.cause);
    let measure = v.required_enum::<Measure>("measure", request.measure);
    let note = v.text("note", &request.note, 1..=4000);
    v.check()?;
    let (id, cause, measure) = (require(id)?, require(cause)?, require(measure)?);

    let order = Order {
        method: "HandleCase",
        command: Command::Handle { cause, measure },
        note,
        detail: json!({"cause": sql::number(cause), "measure": sql::number(measure)}),
    };
    Work::begin(desk, caller, id, &request.etag).await?.finish(order).await
}
