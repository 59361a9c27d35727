//! Gives a case to a member of the store's staff.

use std::mem;

use foursight_access::Principal;
use foursight_kernel::{CaseId, Error, Result, StaffId, StoreId, Violations};
use foursight_proto::complaint::v1::{AssignCaseRequest, Case};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    Desk,
    advance::{self, Asked, Order, require},
    state::Command,
};
use crate::stores;

const METHOD: &str = "AssignCase";

pub(crate) async fn assign(desk: &Desk, caller: &Principal, mut request: AssignCaseRequest) -> Result<Case> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", &request.name);
    let assignee = v.name::<StaffId>("assignee", &request.assignee);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (id, assignee) = (require(id)?, require(assignee)?);

    let key = advance::key(caller, METHOD, request_id, &request);
    let order = Order {
        method: METHOD,
        // An etag that is not the case's is refused before the command is carried out.
        command: Command::Assign { assignee, as_read: !request.etag.is_empty() },
        note: String::new(),
        detail: json!({"assignee": assignee.name()}),
    };
    advance::step(desk, caller, Asked { id, etag: request.etag, key }, order).await
}

/// Refuses to give a store's case to whoever may not own it.
pub(crate) async fn require_assignee(tx: &mut PgConnection, assignee: StaffId, store: StoreId) -> Result<()> {
    if stores::may_own(tx, assignee, store).await? {
        return Ok(());
    }
    Err(unfit("assignee"))
}

/// Says who may own a case.
pub(crate) fn unfit(field: &str) -> Error {
    Error::invalid_field(
        field,
        "must be an active member of the store's staff or of headquarters, who may write complaints",
    )
}
