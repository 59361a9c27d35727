//! Opens a case: number, clocks, rows, event and audit, in the caller's transaction. For requests and for intake.

use foursight_access::{Principal, audit};
use foursight_kernel::{CallTaskId, CaseId, CustomerId, Ids, RequestKey, Result, StaffId, StoreId, sql};
use foursight_proto::complaint::v1::{CaseKind, CaseState, IntakeChannel, Severity};
use foursight_runtime::record;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;

use super::{
    Case,
    clock::Rules,
    event, number, policy,
    row::StepRow,
    state::Life,
    write::{self, Origin},
};
use crate::stores;

/// A case that is to be opened; everything was checked.
#[derive(Debug, Clone)]
pub(crate) struct NewCase {
    pub(crate) store: StoreId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) kind: CaseKind,
    pub(crate) channel: IntakeChannel,
    pub(crate) category: String,
    pub(crate) severity: Severity,
    pub(crate) description: String,
    pub(crate) subject: String,
    /// Who took it and owns it until it is assigned.
    pub(crate) owner: Option<StaffId>,
    /// The follow-up call that it comes from.
    pub(crate) call_task: Option<CallTaskId>,
    /// The request that makes it.
    pub(crate) request: Option<RequestKey>,
}

/// Opens the case as of `at`; `None`, and nothing is written, when the request or the follow-up call has one already.
pub(crate) async fn open(
    tx: &mut PgConnection,
    ids: &Ids,
    caller: &Principal,
    at: Timestamp,
    new: NewCase,
) -> Result<Option<Case>> {
    let store = stores::find(tx, new.store).await?;
    let month = store.hours.month(at);
    let rules = Rules { policy: policy::in_force(tx, at).await?, hours: store.hours };
    let counter = number::take(tx, new.store, month, 1).await?;
    let origin = Origin { call_task: new.call_task.map(CallTaskId::uuid), request: new.request.clone() };
    let case = new.into_case(ids.next(), number::format(&store.code, month, counter), at, &rules)?;

    if write::cases(tx, &[(&case, &origin)]).await?.is_empty() {
        return Ok(None);
    }
    let clocks: Vec<_> = case.life.clocks.iter().map(|clock| (case.id, case.store, clock)).collect();
    write::clocks(tx, &clocks).await?;
    let steps: Vec<_> = case.steps.iter().map(|step| (case.id, case.store, case.revision, step)).collect();
    write::steps(tx, &steps).await?;
    let action = audit::Action {
        method: "CreateCase",
        resource: &case.id.name(),
        store: Some(case.store),
        detail: json!({"kind": sql::number(case.life.kind), "category": case.category, "subject": case.subject}),
    };
    record::change(tx, ids, caller, at, event::opened(&case), action).await?;
    Ok(Some(case))
}

impl NewCase {
    /// The case as it begins.
    pub(crate) fn into_case(self, id: CaseId, number: String, at: Timestamp, rules: &Rules) -> Result<Case> {
        let life = Life::open(self.kind, self.owner, at, rules)?;
        let taken = StepRow {
            state: sql::number(CaseState::Open),
            staff: self.owner,
            note: String::new(),
            at,
            round: life.round,
        };
        Ok(Case {
            id,
            number,
            store: self.store,
            customer: self.customer,
            channel: sql::number(self.channel),
            category: self.category,
            severity: sql::number(self.severity),
            description: self.description,
            subject: self.subject,
            life,
            created: at,
            updated: at,
            revision: 1,
            version: 1,
            steps: vec![taken],
        })
    }
}
