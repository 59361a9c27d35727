//! What every command to a case has in common: lock, request id, etag, rule, write, events, audit, reply.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CaseId, Error, RequestKey, Result, StaffId, Violations, sql};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::complaint::v1 as proto;
use foursight_runtime::{erasure, step};
use jiff::Timestamp;
use prost::Message;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Case, Desk, assign,
    clock::Rules,
    error::CaseError,
    event, policy,
    row::{self, StepRow},
    state::{Command, Life},
    write,
};

/// What a note may have.
const NOTE: std::ops::RangeInclusive<usize> = 1..=4000;

/// Whose step is asked for, and how.
pub(crate) struct Asked {
    pub(crate) id: CaseId,
    pub(crate) etag: String,
    pub(crate) key: Option<RequestKey>,
}

/// What the caller wants done.
pub(crate) struct Order {
    pub(crate) method: &'static str,
    pub(crate) command: Command,
    pub(crate) note: String,
    /// Codes and ids for the audit log.
    pub(crate) detail: Value,
}

/// The key of a step. `request` is its content, without the id that was in `request_id`.
pub(crate) fn key(
    caller: &Principal,
    method: &str,
    request_id: Option<Uuid>,
    request: &impl Message,
) -> Option<RequestKey> {
    RequestKey::of_step(request_id, method, &caller.subject.name(), request)
}

/// The name, the note and the request id of a command that has nothing else.
pub(crate) fn read(
    name: &str,
    note: &str,
    request_id: &mut String,
) -> Result<(CaseId, String, Option<Uuid>)> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", name);
    let note = v.text("note", note, NOTE);
    let request_id = v.request_id(&mem::take(request_id));
    v.check()?;
    Ok((require(id)?, note, request_id))
}

/// What is there once the violations were checked.
pub(crate) fn require<T>(checked: Option<T>) -> Result<T> {
    checked.ok_or_else(|| Error::internal("a field was read without a violation and without a value"))
}

/// Takes a step at a case: once for its request, after those that were faster, and only if it fits the case as they left it.
pub(crate) async fn step(desk: &Desk, caller: &Principal, asked: Asked, order: Order) -> Result<proto::Case> {
    let by = caller.require_staff()?;
    let now = desk.clock.now();
    let mut tx = desk.db.begin(caller).await?;
    // A customer who is erased meanwhile is erased with what is written here.
    erasure::hold(&mut tx).await?;
    let mut case = row::lock(&mut tx, asked.id).await?.ok_or(CaseError::NotFound)?;
    if !step::is_new(&mut tx, asked.key.as_ref(), case.store, now).await? {
        return Ok(case.to_proto());
    }
    if !asked.etag.is_empty() && asked.etag != case.etag() {
        return Err(case.as_found(CaseError::Changed.into()));
    }
    if let Command::Assign { assignee, .. } = order.command {
        assign::require_assignee(&mut tx, assignee, case.store).await?;
    }
    let rules = policy::rules(&mut tx, case.store, now).await?;
    let taken = case.take(order.command, by, now, order.note, &rules);
    let events = taken.map_err(|refused| case.as_found(refused))?;

    write::advance(&mut tx, &case).await?;
    let clocks: Vec<_> = case.life.clocks.iter().map(|clock| (case.id, case.store, clock)).collect();
    write::clocks(&mut tx, &clocks).await?;
    write::last_step(&mut tx, &case).await?;
    for event in events {
        outbox::append(&mut tx, &desk.ids, now, event).await?;
    }
    let action = audit::Action {
        method: order.method,
        resource: &case.id.name(),
        store: Some(case.store),
        detail: order.detail,
    };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await?;
    Ok(case.to_proto())
}

impl Case {
    /// A refusal that says how the case was found, and so what others did meanwhile.
    fn as_found(&self, refused: Error) -> Error {
        let Some(last) = self.steps.last() else { return refused };
        let state = self.life.state.as_str_name();
        let by = last.staff.map(StaffId::name).unwrap_or_default();
        refused
            .adding(format_args!("the case is {state}, and its last step was taken by {by} at {}", last.at))
            .with_metadata("state", state)
            .with_metadata("last_step_by", by)
            .with_metadata("last_step_time", last.at.to_string())
    }

    /// Lets a command have its effect on the case, and gives what is to be told. Refused, nothing has changed.
    pub(crate) fn take(
        &mut self,
        command: Command,
        by: StaffId,
        now: Timestamp,
        note: String,
        rules: &Rules,
    ) -> Result<Vec<NewEvent>> {
        let advance = self.life.advance(command, by, now, rules)?;
        self.step(advance.life, Some(by), now, note);
        let mut events = Vec::with_capacity(1 + advance.breaches.len());
        for breach in &advance.breaches {
            self.version += 1;
            events.push(event::breached(self, breach));
        }
        self.version += 1;
        events.push(event::advanced(self, advance.step));
        Ok(events)
    }

    /// Goes on to another state, with a step that says so; `by` is absent where nobody decided it.
    pub(super) fn step(&mut self, life: Life, by: Option<StaffId>, now: Timestamp, note: String) {
        self.life = life;
        self.updated = now;
        self.revision += 1;
        self.steps.push(StepRow {
            state: sql::number(self.life.state),
            staff: by,
            note,
            at: now,
            round: self.life.round,
        });
    }
}
