//! A case in its rows.

use std::collections::HashMap;

use foursight_kernel::{CaseId, CustomerId, Result, StaffId, StoreId, sql, time};
use foursight_proto::complaint::v1::{
    self as proto, CaseKind, CaseState, Cause, ClockKind, ClockState, Measure,
};
use jiff::{Timestamp, civil};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    clock::{self, Clock},
    state::Life,
};

/// What stands in `next_due` when nothing waits: after every deadline.
const NO_DEADLINE: civil::DateTime = civil::datetime(9999, 1, 1, 0, 0, 0, 0);

/// A case as the service works with it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: CaseId,
    pub(crate) number: String,
    pub(crate) store: StoreId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) channel: i16,
    pub(crate) category: String,
    pub(crate) severity: i16,
    pub(crate) description: String,
    pub(crate) subject: String,
    pub(crate) life: Life,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Counts the steps; the etag.
    pub(crate) revision: i64,
    /// Counts the case's events.
    pub(crate) version: i64,
    pub(crate) steps: Vec<StepRow>,
}

/// One step as it was written down.
#[derive(Debug, Clone)]
pub(crate) struct StepRow {
    pub(crate) state: i16,
    pub(crate) staff: Option<StaffId>,
    pub(crate) note: String,
    pub(crate) at: Timestamp,
    pub(crate) round: i32,
}

/// What the row has when nothing waits, or the earliest deadline.
pub(crate) fn next_due(clocks: &[Clock]) -> Timestamp {
    clock::next_due(clocks).unwrap_or_else(|| {
        NO_DEADLINE.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    })
}

/// Locks a case until the transaction ends, so that commands to it take turns; then reads it.
pub(crate) async fn lock(tx: &mut PgConnection, id: CaseId) -> Result<Option<Case>> {
    sqlx::query!("SELECT id FROM complaint.cases WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(&mut *tx)
        .await?;
    find(tx, id).await
}

/// One case; `None` when there is none among the transaction's stores.
pub(crate) async fn find(tx: &mut PgConnection, id: CaseId) -> Result<Option<Case>> {
    Ok(load(tx, &[id.uuid()]).await?.pop())
}

/// The cases with these ids, in this order, without those that are not among the transaction's stores.
pub(crate) async fn load(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Case>> {
    let mut clocks = clocks_of(tx, ids).await?;
    let mut steps = steps_of(tx, ids).await?;
    let rows = sqlx::query!(
        "SELECT c.id, c.number, c.store_id, c.customer_id, c.kind, c.channel, c.category, c.severity, c.description,
                c.subject, c.state, c.owner_id, c.handler_id, c.loop, c.cause, c.measure, c.create_time, c.update_time,
                c.close_time, c.revision, c.version
         FROM complaint.cases c JOIN unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place) USING (id)
         ORDER BY place",
        ids,
    )
    .fetch_all(tx)
    .await?;
    let cases = rows.into_iter().map(|row| {
        let steps = steps.remove(&row.id).unwrap_or_default();
        Case {
            id: row.id.into(),
            number: row.number,
            store: row.store_id.into(),
            customer: row.customer_id.map(CustomerId::from),
            channel: row.channel,
            category: row.category,
            severity: row.severity,
            description: row.description,
            subject: row.subject,
            life: Life {
                kind: CaseKind::try_from(i32::from(row.kind)).unwrap_or_default(),
                state: CaseState::try_from(i32::from(row.state)).unwrap_or_default(),
                round: row.r#loop,
                owner: row.owner_id.map(StaffId::from),
                handler: row.handler_id.map(StaffId::from),
                handlers: handlers_of(&steps),
                cause: Cause::try_from(i32::from(row.cause)).unwrap_or_default(),
                measure: Measure::try_from(i32::from(row.measure)).unwrap_or_default(),
                closed: row.close_time.map(sql::Timestamp::to_jiff),
                clocks: clocks.remove(&row.id).unwrap_or_default(),
            },
            created: row.create_time.to_jiff(),
            updated: row.update_time.to_jiff(),
            revision: row.revision,
            version: row.version,
            steps,
        }
    });
    Ok(cases.collect())
}

/// Who handled a case: in each loop, whoever took its first step to HANDLED. A reply after that leaves the state as it is.
fn handlers_of(steps: &[StepRow]) -> Vec<StaffId> {
    let mut loops = Vec::new();
    let mut handlers = Vec::new();
    for step in steps.iter().filter(|step| step.state == sql::number(CaseState::Handled)) {
        if !loops.contains(&step.round) {
            loops.push(step.round);
            handlers.extend(step.staff);
        }
    }
    handlers
}

async fn clocks_of(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Clock>>> {
    let rows = sqlx::query!(
        "SELECT case_id, loop, kind, state, start_time, due_time, meet_time, explanation, policy_version
         FROM complaint.clocks WHERE case_id = ANY ($1) ORDER BY case_id, loop, kind",
        ids,
    )
    .fetch_all(tx)
    .await?;
    let mut clocks: HashMap<Uuid, Vec<Clock>> = HashMap::new();
    for row in rows {
        clocks.entry(row.case_id).or_default().push(Clock {
            kind: ClockKind::try_from(i32::from(row.kind)).unwrap_or_default(),
            state: ClockState::try_from(i32::from(row.state)).unwrap_or_default(),
            round: row.r#loop,
            start: row.start_time.to_jiff(),
            due: row.due_time.to_jiff(),
            met: row.meet_time.map(sql::Timestamp::to_jiff),
            explanation: row.explanation,
            policy_version: row.policy_version,
        });
    }
    Ok(clocks)
}

async fn steps_of(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<StepRow>>> {
    let rows = sqlx::query!(
        "SELECT case_id, state, staff_id, note, create_time, loop
         FROM complaint.steps WHERE case_id = ANY ($1) ORDER BY case_id, revision",
        ids,
    )
    .fetch_all(tx)
    .await?;
    let mut steps: HashMap<Uuid, Vec<StepRow>> = HashMap::new();
    for row in rows {
        steps.entry(row.case_id).or_default().push(StepRow {
            state: row.state,
            staff: row.staff_id.map(StaffId::from),
            note: row.note,
            at: row.create_time.to_jiff(),
            round: row.r#loop,
        });
    }
    Ok(steps)
}

impl Case {
    /// What a command gives back to show that it knows the case as it is.
    pub(crate) fn etag(&self) -> String {
        format!("r{}", self.revision)
    }

    /// In the proto's form.
    pub(crate) fn to_proto(&self) -> proto::Case {
        let life = &self.life;
        proto::Case {
            name: self.id.name(),
            number: self.number.clone(),
            store: self.store.name(),
            customer: self.customer.map(CustomerId::name).unwrap_or_default(),
            kind: life.kind.into(),
            channel: self.channel.into(),
            category: self.category.clone(),
            severity: self.severity.into(),
            description: self.description.clone(),
            subject: self.subject.clone(),
            state: life.state.into(),
            owner: life.owner.map(StaffId::name).unwrap_or_default(),
            handler: life.handler.map(StaffId::name).unwrap_or_default(),
            r#loop: life.round,
            cause: life.cause.into(),
            measure: life.measure.into(),
            clocks: life.clocks.iter().map(clock_to_proto).collect(),
            create_time: Some(time::to_proto(self.created)),
            update_time: Some(time::to_proto(self.updated)),
            close_time: time::maybe_to_proto(life.closed),
            etag: self.etag(),
            steps: self.steps.iter().map(step_to_proto).collect(),
        }
    }
}

fn clock_to_proto(clock: &Clock) -> proto::Clock {
    proto::Clock {
        kind: clock.kind.into(),
        state: clock.state.into(),
        r#loop: clock.round,
        start_time: Some(time::to_proto(clock.start)),
        due_time: Some(time::to_proto(clock.due)),
        meet_time: time::maybe_to_proto(clock.met),
        explanation: clock.explanation.clone(),
        policy_version: clock.policy_version,
    }
}

fn step_to_proto(step: &StepRow) -> proto::CaseStep {
    proto::CaseStep {
        state: step.state.into(),
        staff: step.staff.map(StaffId::name).unwrap_or_default(),
        note: step.note.clone(),
        create_time: Some(time::to_proto(step.at)),
        r#loop: step.round,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_after_the_handling_handles_nothing() {
        let step = |state: CaseState, by: u128, round| StepRow {
            state: sql::number(state),
            staff: Some(StaffId::from(Uuid::from_u128(by))),
            note: String::new(),
            at: Timestamp::UNIX_EPOCH,
            round,
        };
        let steps = [
            step(CaseState::Assigned, 1, 1),
            step(CaseState::Handled, 2, 1),
            step(CaseState::Handled, 3, 1),
            step(CaseState::ResultTold, 4, 1),
            step(CaseState::Reopened, 5, 2),
            step(CaseState::Handled, 6, 2),
        ];
        assert_eq!(handlers_of(&steps), [2, 6].map(|by| StaffId::from(Uuid::from_u128(by))));
    }
}
