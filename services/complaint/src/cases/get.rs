//! One case with its clocks and steps.

use foursight_access::Principal;
use foursight_kernel::{CaseId, Result, Violations};
use foursight_proto::complaint::v1::{Case, GetCaseRequest};

use super::{Desk, advance::require, error::CaseError, row};

pub(crate) async fn get(desk: &Desk, caller: &Principal, request: GetCaseRequest) -> Result<Case> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", &request.name);
    v.check()?;
    let mut tx = desk.db.begin(caller).await?;
    let case = row::find(&mut tx, require(id)?).await?.ok_or(CaseError::NotFound)?;
    Ok(case.to_proto())
}
