//! Many follow-up calls of the past at once, with their events: for the demo group, and for whoever brings a history along.

use std::collections::HashSet;

use foursight_kernel::{
    CallTaskId, CustomerId, DeliveryId, Ids, Result, StaffId, StoreId, VisitId, sql, time::to_proto,
};
use foursight_messaging::{
    NewEvent,
    outbox::{self, PastEvent},
};
use foursight_proto::notification::{
    events::v1::CallTaskCompleted,
    v1::{CallTaskKind, CallTaskState},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::call_tasks::{
    rows::subject_name,
    state::{MOST_ATTEMPTS, NotReached, Outcome},
};

/// A follow-up call that is over.
#[derive(Debug, Clone)]
pub struct PastCall {
    /// The call task.
    pub id: CallTaskId,
    /// At which store.
    pub store: StoreId,
    /// Who was called.
    pub customer: CustomerId,
    /// What the call was about.
    pub subject: PastSubject,
    /// The advisor whom it asked about.
    pub advisor: Option<StaffId>,
    /// Who called.
    pub caller: StaffId,
    /// When it was planned.
    pub create_time: Timestamp,
    /// Until when it was due.
    pub due_time: Timestamp,
    /// When it was over.
    pub complete_time: Timestamp,
    /// What came of it.
    pub outcome: PastOutcome,
}

/// What a call of the past was about.
#[derive(Debug, Clone, Copy)]
pub enum PastSubject {
    /// A delivery: 7DC.
    Delivery(DeliveryId),
    /// A service visit: 3DC.
    Visit(VisitId),
}

/// What came of a call of the past.
#[derive(Debug, Clone)]
pub enum PastOutcome {
    /// Reached and content.
    Satisfied {
        /// The advisor's score, 1 to 10.
        score: u8,
    },
    /// Reached and not content.
    Dissatisfied {
        /// The advisor's score, 1 to 10.
        score: u8,
        /// The complaint category's code.
        category: String,
        /// The customer's words, at most 2000 characters.
        note: String,
    },
    /// Three attempts reached nobody.
    Unreached,
}

impl PastOutcome {
    fn parts(&self) -> (Outcome, CallTaskState, i16, Option<&str>) {
        match self {
            Self::Satisfied { score } => {
                (Outcome::Satisfied { score: i16::from(*score) }, CallTaskState::Done, 1, None)
            }
            Self::Dissatisfied { score, category, note } => {
                let outcome = Outcome::Dissatisfied { score: i16::from(*score), category: category.clone() };
                (outcome, CallTaskState::Done, 1, Some(note))
            }
            Self::Unreached => {
                let outcome = Outcome::NotReached(NotReached::NoAnswer);
                (outcome, CallTaskState::Unreached, MOST_ATTEMPTS, None)
            }
        }
    }
}

impl PastSubject {
    fn parts(self) -> (CallTaskKind, Uuid) {
        match self {
            Self::Delivery(id) => (CallTaskKind::AfterDelivery, id.uuid()),
            Self::Visit(id) => (CallTaskKind::AfterService, id.uuid()),
        }
    }
}

/// Writes calls with their attempts and a `CallTaskCompleted` each, in the transaction of the caller, whose reach must be the
/// whole group. A call about a delivery or visit that has one already is passed over. Returns how many were written.
pub async fn load(tx: &mut PgConnection, ids: &Ids, calls: &[PastCall]) -> Result<u64> {
    let written = insert_tasks(tx, calls).await?;
    let calls: Vec<&PastCall> = calls.iter().filter(|call| written.contains(&call.id.uuid())).collect();
    insert_attempts(tx, &calls).await?;
    let events =
        calls.iter().map(|call| PastEvent { id: ids.uuid(), at: call.complete_time, event: completed(call) });
    outbox::append_all(tx, events.collect()).await?;
    Ok(calls.len() as u64)
}

async fn insert_tasks(tx: &mut PgConnection, calls: &[PastCall]) -> Result<HashSet<Uuid>> {
    let (mut task_ids, mut stores, mut customers, mut kinds, mut states, mut subjects) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    let (mut callers, mut advisors, mut attempts) = (vec![], vec![], vec![]);
    let (mut created, mut due, mut completed) = (vec![], vec![], vec![]);
    for call in calls {
        let (kind, subject) = call.subject.parts();
        let (_, state, count, _) = call.outcome.parts();
        task_ids.push(call.id.uuid());
        stores.push(call.store.uuid());
        customers.push(call.customer.uuid());
        kinds.push(kind as i16);
        states.push(state as i16);
        subjects.push(subject);
        callers.push(call.caller.uuid());
        advisors.push(call.advisor.map(StaffId::uuid));
        attempts.push(count);
        due.push(sql::at(call.due_time));
        completed.push(sql::at(call.complete_time));
        created.push(sql::at(call.create_time));
    }
    let written = sqlx::query_scalar!(
        "INSERT INTO notification.call_tasks
           (id, store_id, customer_id, kind, state, subject_id, assignee_id, advisor_id, attempts, due_time,
            complete_time, create_time, version)
         SELECT id, store, customer, kind, state, subject, caller, advisor, attempts, due, completed, created, attempts + 2
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::smallint[], $6::uuid[], $7::uuid[],
                     $8::uuid[], $9::smallint[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
           AS t (id, store, customer, kind, state, subject, caller, advisor, attempts, due, completed, created)
         ON CONFLICT ON CONSTRAINT call_tasks_once DO NOTHING
         RETURNING id",
        &task_ids,
        &stores,
        &customers,
        &kinds,
        &states,
        &subjects,
        &callers,
        &advisors as _,
        &attempts,
        &due as _,
        &completed as _,
        &created as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(written.into_iter().collect())
}

async fn insert_attempts(tx: &mut PgConnection, calls: &[&PastCall]) -> Result<()> {
    let (mut task_ids, mut numbers, mut stores, mut results, mut satisfactions, mut advisor_scores) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    let (mut notes, mut categories, mut records, mut callers, mut times) =
        (vec![], vec![], vec![], vec![], vec![]);
    for call in calls {
        let (outcome, _, count, note) = call.outcome.parts();
        for number in 1..=count {
            task_ids.push(call.id.uuid());
            numbers.push(number);
            stores.push(call.store.uuid());
            results.push(outcome.result() as i16);
            satisfactions.push(outcome.satisfaction().map(|satisfaction| satisfaction as i16));
            advisor_scores.push(outcome.score());
            notes.push(note.map(str::to_owned));
            categories.push(outcome.category().map(str::to_owned));
            records.push(format!("past/{}/{number}", call.id));
            callers.push(call.caller.uuid());
            times.push(sql::at(call.complete_time));
        }
    }
    sqlx::query!(
        "INSERT INTO notification.call_attempts
           (call_task_id, number, store_id, result, satisfaction, advisor_score, note, category, call_record, caller_id,
            create_time)
         SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::smallint[], $5::smallint[], $6::smallint[],
                              $7::text[], $8::text[], $9::text[], $10::uuid[], $11::timestamptz[])",
        &task_ids,
        &numbers,
        &stores,
        &results,
        &satisfactions as _,
        &advisor_scores as _,
        &notes as _,
        &categories as _,
        &records,
        &callers,
        &times as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn completed(call: &PastCall) -> NewEvent {
    let (kind, subject) = call.subject.parts();
    let (outcome, state, attempts, _) = call.outcome.parts();
    let event = CallTaskCompleted {
        call_task: call.id.name(),
        customer: call.customer.name(),
        store: call.store.name(),
        kind: kind.into(),
        state: state.into(),
        satisfaction: outcome.satisfaction().map(i32::from).unwrap_or_default(),
        advisor_score: outcome.score().map(i32::from).unwrap_or_default(),
        category: outcome.category().unwrap_or_default().to_owned(),
        subject: subject_name(kind.into(), subject),
        advisor: call.advisor.map(StaffId::name).unwrap_or_default(),
        due_time: Some(to_proto(call.due_time)),
        complete_time: Some(to_proto(call.complete_time)),
        caller: call.caller.name(),
    };
    NewEvent::new(&event, call.id.uuid(), i64::from(attempts) + 2, Some(call.store))
}
