//! Gives a case to a member of the store's staff.

use foursight_access::Principal;
use foursight_kernel::{CaseId, Error, Result, StaffId, Violations};
use foursight_proto::complaint::v1::{AssignCaseRequest, Case};
use serde_json::json;

use super::{
    Desk,
    advance::{Order, Work, require},
    state::Command,
};
use crate::stores;

pub(crate) async fn assign(desk: &Desk, caller: &Principal, request: AssignCaseRequest) -> Result<Case> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", &request.name);
    let assignee = v.name::<StaffId>("assignee", &request.assignee);
    v.check()?;
    let (id, assignee) = (require(id)?, require(assignee)?);

    let mut work = Work::begin(desk, caller, id, &request.etag).await?;
    if !stores::may_own(&mut work.tx, assignee, work.case.store).await? {
        return Err(Error::invalid_field(
            "assignee",
            "must be an active member of the store's staff or of headquarters, who may write complaints",
        ));
    }
    work.finish(Order {
        method: "AssignCase",
        command: Command::Assign { assignee },
        note: String::new(),
        detail: json!({"assignee": assignee.name()}),
    })
    .await
}
