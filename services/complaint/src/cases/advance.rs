//! What every command to a case has in common: lock, etag, rule, write, events, audit, reply.

use foursight_access::{Principal, audit};
use foursight_kernel::{CaseId, Error, Result, StaffId, Violations, sql};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::complaint::v1 as proto;
use foursight_runtime::Tx;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Case, Desk,
    clock::Rules,
    error::CaseError,
    event, policy,
    row::{self, StepRow},
    state::{Command, Life},
    write,
};

/// What a note may have.
const NOTE: std::ops::RangeInclusive<usize> = 1..=4000;

/// A case that is being worked on: locked, and as the caller knows it.
pub(crate) struct Work<'a> {
    desk: &'a Desk,
    caller: &'a Principal,
    by: StaffId,
    now: Timestamp,
    pub(crate) tx: Tx,
    pub(crate) case: Case,
}

/// What the caller wants done.
pub(crate) struct Order {
    pub(crate) method: &'static str,
    pub(crate) command: Command,
    pub(crate) note: String,
    /// Codes and ids for the audit log.
    pub(crate) detail: Value,
}

/// The name and the note that commands have in common.
pub(crate) fn read(name: &str, note: &str) -> Result<(CaseId, String)> {
    let mut v = Violations::default();
    let id = v.name::<CaseId>("name", name);
    let note = v.text("note", note, NOTE);
    v.check()?;
    Ok((require(id)?, note))
}

/// What is there once the violations were checked.
pub(crate) fn require<T>(checked: Option<T>) -> Result<T> {
    checked.ok_or_else(|| Error::internal("a field was read without a violation and without a value"))
}

impl<'a> Work<'a> {
    /// Locks the case for the caller.
    pub(crate) async fn begin(desk: &'a Desk, caller: &'a Principal, id: CaseId, etag: &str) -> Result<Self> {
        let by = caller.require_staff()?;
        let mut tx = desk.db.begin(caller).await?;
        let case = row::lock(&mut tx, id).await?.ok_or(CaseError::NotFound)?;
        if !etag.is_empty() && etag != case.etag() {
            return Err(CaseError::Changed.into());
        }
        Ok(Self { desk, caller, by, now: desk.clock.now(), tx, case })
    }

    /// Carries out the order and commits.
    pub(crate) async fn finish(mut self, order: Order) -> Result<proto::Case> {
        let rules = policy::rules(&mut self.tx, self.case.store, self.now).await?;
        let case = &mut self.case;
        let events = case.take(order.command, self.by, self.now, order.note, &rules)?;

        let tx = &mut *self.tx;
        write::advance(tx, case).await?;
        let clocks: Vec<_> = case.life.clocks.iter().map(|clock| (case.id, case.store, clock)).collect();
        write::clocks(tx, &clocks).await?;
        write::last_step(tx, case).await?;
        for event in events {
            outbox::append(tx, &self.desk.ids, self.now, event).await?;
        }
        let action = audit::Action {
            method: order.method,
            resource: &case.id.name(),
            store: Some(case.store),
            detail: order.detail,
        };
        audit::record(tx, self.caller, self.now, action).await?;
        let reply = case.to_proto();
        self.tx.commit().await?;
        Ok(reply)
    }
}

impl Case {
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
