//! Records one attempt to reach the customer. Reaching ends the task; so does the third attempt that reaches nobody.
//!
//! The customer's words stay in this schema: the event says what a dissatisfaction is about, and whoever opens a complaint from
//! it asks for the task.

use foursight_access::{
    Principal,
    audit::{self, Action},
};
use foursight_kernel::{
    CallTaskId, Error, RequestKey, Result, StaffId, Violations, replay, sql, time::to_proto,
};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::notification::{
    events::v1::{CallAttempted, CallTaskCompleted},
    v1::{CallResult, CallTask, CallTaskState, RecordCallAttemptRequest, Satisfaction},
};
use foursight_runtime::erasure;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;

use super::{
    CallTaskError, CallTasks,
    rows::{self, TaskRow},
    state::{self, NotReached, Outcome, Recorded, Standing},
};

/// A request that was found in order.
#[derive(Debug, PartialEq)]
struct Command {
    task: CallTaskId,
    outcome: Outcome,
    note: Option<String>,
    call_record: String,
    key: Option<RequestKey>,
}

pub(super) async fn record_attempt(
    service: &CallTasks,
    caller: &Principal,
    request: RecordCallAttemptRequest,
) -> Result<CallTask> {
    let command = check(request)?;
    let by = caller.require_staff()?;
    let now = service.clock.now();

    let mut tx = service.db.begin(caller).await?;
    // A customer who is erased meanwhile is erased with what is written here.
    erasure::hold(&mut tx).await?;
    // The lock makes attempts at the same task, repeated requests too, come one after the other.
    let task = rows::lock(&mut tx, command.task).await?.ok_or(CallTaskError::NotFound)?;
    if !is_repeat(&mut tx, &command).await? {
        let standing = Standing {
            state: CallTaskState::try_from(i32::from(task.state)).map_err(Error::internal)?,
            attempts: task.attempts,
        };
        let recorded = state::record(standing, &command.outcome).ok_or_else(|| task.is_over())?;
        write(&mut tx, &task, &command, recorded, by, now).await?;
        tell(service, &mut tx, &task, &command.outcome, recorded, by, now).await?;
        let action = Action {
            method: "RecordCallAttempt",
            resource: &command.task.name(),
            store: Some(task.store_id.into()),
            detail: json!({ "number": recorded.number, "result": command.outcome.result().as_str_name() }),
        };
        audit::record(&mut tx, caller, now, action).await?;
    }
    let task = rows::load(&mut tx, command.task).await?.ok_or(CallTaskError::NotFound)?;
    tx.commit().await?;
    Ok(task)
}

/// Whether the same request, or the same call, was recorded before.
async fn is_repeat(tx: &mut PgConnection, command: &Command) -> Result<bool> {
    let by_call = sqlx::query_scalar!(
        "SELECT result FROM notification.call_attempts WHERE call_task_id = $1 AND call_record = $2",
        command.task.uuid(),
        command.call_record,
    )
    .fetch_optional(&mut *tx)
    .await?;
    // A call is one attempt, however often it is told.
    match by_call {
        Some(result) if result == command.outcome.result() as i16 => return Ok(true),
        Some(_) => return Err(CallTaskError::CallRecorded.into()),
        None => {}
    }
    let Some(key) = &command.key else { return Ok(false) };
    let kept = sqlx::query_scalar!(
        "SELECT request_hash FROM notification.call_attempts WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(tx)
    .await?;
    match kept {
        None => Ok(false),
        Some(hash) => key.confirm(hash.as_deref()).map(|()| true),
    }
}

async fn write(
    tx: &mut PgConnection,
    task: &TaskRow,
    command: &Command,
    recorded: Recorded,
    by: StaffId,
    now: Timestamp,
) -> Result<()> {
    let outcome = &command.outcome;
    let (request_id, request_hash) = replay::columns(command.key.as_ref());
    let written = sqlx::query!(
        "INSERT INTO notification.call_attempts
           (call_task_id, number, store_id, result, satisfaction, advisor_score, note, category, call_record, caller_id,
            create_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        task.id,
        recorded.number,
        task.store_id,
        outcome.result() as i16,
        outcome.satisfaction().map(|satisfaction| satisfaction as i16),
        outcome.score(),
        command.note,
        outcome.category(),
        command.call_record,
        by.uuid(),
        sql::at(now) as _,
        request_id,
        request_hash,
    )
    .execute(&mut *tx)
    .await;
    // Taken: used at another task, perhaps of a store that the caller does not see.
    replay::unless_taken(written, "call_attempts_request")?.ok_or_else(replay::reused)?;
    let is_over = recorded.state != CallTaskState::Open;
    sqlx::query!(
        "UPDATE notification.call_tasks SET state = $2, attempts = $3, complete_time = $4, version = $5 WHERE id = $1",
        task.id,
        recorded.state as i16,
        recorded.number,
        sql::maybe_at(is_over.then_some(now)) as _,
        task.version + 1 + i64::from(is_over),
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Tells the others: that somebody tried, and, when that ended the task, what came of it.
async fn tell(
    service: &CallTasks,
    tx: &mut PgConnection,
    task: &TaskRow,
    outcome: &Outcome,
    recorded: Recorded,
    by: StaffId,
    now: Timestamp,
) -> Result<()> {
    let store = task.store_id.into();
    let attempted = CallAttempted {
        call_task: CallTaskId::from(task.id).name(),
        customer: foursight_kernel::CustomerId::from(task.customer_id).name(),
        store: foursight_kernel::StoreId::name(store),
        number: i32::from(recorded.number),
        result: outcome.result().into(),
        caller: by.name(),
    };
    let event = NewEvent::new(&attempted, task.id, task.version + 1, Some(store));
    outbox::append(&mut *tx, &service.ids, now, event).await?;
    if recorded.state == CallTaskState::Open {
        return Ok(());
    }
    let completed = CallTaskCompleted {
        call_task: attempted.call_task,
        customer: attempted.customer,
        store: attempted.store,
        kind: i32::from(task.kind),
        state: recorded.state.into(),
        satisfaction: outcome.satisfaction().map(i32::from).unwrap_or_default(),
        advisor_score: outcome.score().map(i32::from).unwrap_or_default(),
        category: outcome.category().unwrap_or_default().to_owned(),
        subject: task.subject(),
        advisor: task.advisor(),
        due_time: Some(to_proto(task.due_time.to_jiff())),
        complete_time: Some(to_proto(now)),
        caller: by.name(),
    };
    let event = NewEvent::new(&completed, task.id, task.version + 2, Some(store));
    outbox::append(&mut *tx, &service.ids, now, event).await?;
    Ok(())
}

fn check(request: RecordCallAttemptRequest) -> Result<Command> {
    let mut violations = Violations::default();
    let task = violations.name("name", &request.name);
    let request_id = violations.request_id(&request.request_id);
    let attempt = request.attempt.clone().unwrap_or_default();
    let call_record = violations.line("attempt.call_record", &attempt.call_record, 1..=100);
    let note = violations.optional_text("attempt.note", &attempt.note, 2000);
    let category = violations.optional_text("attempt.category", &attempt.category, 50);
    let result = violations.required_enum::<CallResult>("attempt.result", attempt.result);
    let satisfaction = violations.optional_enum::<Satisfaction>("attempt.satisfaction", attempt.satisfaction);

    let reached = result == Some(CallResult::Reached);
    let dissatisfied = reached && satisfaction == Some(Satisfaction::Dissatisfied);
    if reached {
        if attempt.satisfaction == 0 {
            violations.push("attempt.satisfaction", "is required when the customer was reached");
        }
        violations.number("attempt.advisor_score", attempt.advisor_score, 1..=10);
    } else if result.is_some() {
        if attempt.satisfaction != 0 {
            violations.push("attempt.satisfaction", "must be absent when nobody was reached");
        }
        if attempt.advisor_score != 0 {
            violations.push("attempt.advisor_score", "must be absent when nobody was reached");
        }
    }
    if dissatisfied && note.is_none() {
        violations
            .push("attempt.note", "is required when the customer is dissatisfied: the customer's words");
    }
    if dissatisfied && category.is_none() {
        violations.push(
            "attempt.category",
            "is required when the customer is dissatisfied: a complaint category's code",
        );
    } else if category.is_some() && !dissatisfied {
        violations.push("attempt.category", "must be absent unless the customer is dissatisfied");
    } else if category.as_deref().is_some_and(|code| !is_code(code)) {
        violations.push("attempt.category", "must be a category's code, for example sales.promise");
    }
    let score = i16::try_from(attempt.advisor_score).unwrap_or_default();
    let outcome = result.and_then(|result| outcome(result, satisfaction, score, category));
    let (Some(task), Some(outcome), true) = (task, outcome, violations.is_empty()) else {
        return Err(Error::invalid(violations));
    };
    let content = RecordCallAttemptRequest { request_id: String::new(), ..request };
    Ok(Command { task, outcome, note, call_record, key: RequestKey::of(request_id, &content) })
}

fn outcome(
    result: CallResult,
    satisfaction: Option<Satisfaction>,
    score: i16,
    category: Option<String>,
) -> Option<Outcome> {
    Some(match (result, satisfaction) {
        (CallResult::Reached, Some(Satisfaction::Satisfied)) => Outcome::Satisfied { score },
        (CallResult::Reached, Some(Satisfaction::Dissatisfied)) => {
            Outcome::Dissatisfied { score, category: category? }
        }
        (CallResult::Reached | CallResult::Unspecified, _) => return None,
        (CallResult::NoAnswer, _) => Outcome::NotReached(NotReached::NoAnswer),
        (CallResult::Busy, _) => Outcome::NotReached(NotReached::Busy),
        (CallResult::WrongNumber, _) => Outcome::NotReached(NotReached::WrongNumber),
        (CallResult::CallBack, _) => Outcome::NotReached(NotReached::CallBack),
    })
}

/// Lower-case words joined by dots; whether the category exists is the complaint service's to say.
fn is_code(code: &str) -> bool {
    code.split('.').all(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_proto::notification::v1::CallAttempt;

    use super::*;

    fn request(attempt: CallAttempt) -> RecordCallAttemptRequest {
        RecordCallAttemptRequest {
            name: "callTasks/01970000-0000-7000-8000-000000000001".to_owned(),
            attempt: Some(CallAttempt { call_record: "CC-1".to_owned(), ..attempt }),
            request_id: String::new(),
        }
    }

    fn wrong(attempt: CallAttempt) -> Vec<String> {
        let error = check(request(attempt)).unwrap_err();
        error.violations().fields().into_iter().map(str::to_owned).collect()
    }

    fn reached(satisfaction: Satisfaction) -> CallAttempt {
        CallAttempt {
            result: CallResult::Reached.into(),
            satisfaction: satisfaction.into(),
            advisor_score: 3,
            ..CallAttempt::default()
        }
    }

    #[test]
    fn a_customer_who_was_reached_has_said_something() {
        let silent = CallAttempt { result: CallResult::Reached.into(), ..CallAttempt::default() };
        assert_eq!(wrong(silent), ["attempt.advisor_score", "attempt.satisfaction"]);
        let eleven = CallAttempt { advisor_score: 11, ..reached(Satisfaction::Satisfied) };
        assert_eq!(wrong(eleven), ["attempt.advisor_score"]);
        assert!(check(request(reached(Satisfaction::Satisfied))).is_ok());
    }

    #[test]
    fn dissatisfaction_needs_words_and_a_category() {
        let bare = reached(Satisfaction::Dissatisfied);
        assert_eq!(wrong(bare.clone()), ["attempt.category", "attempt.note"]);
        let told = CallAttempt {
            note: "waited two hours".to_owned(),
            category: "service.waiting".to_owned(),
            ..bare
        };
        let command = check(request(told.clone())).unwrap();
        assert_eq!(
            command.outcome,
            Outcome::Dissatisfied { score: 3, category: "service.waiting".to_owned() }
        );
        assert_eq!(
            wrong(CallAttempt { category: "Waiting too long".to_owned(), ..told }),
            ["attempt.category"]
        );
    }

    #[test]
    fn nobody_reached_says_nothing_and_still_shows_the_call() {
        let no_answer = CallAttempt { result: CallResult::NoAnswer.into(), ..CallAttempt::default() };
        assert!(check(request(no_answer.clone())).is_ok());
        let talking = CallAttempt { satisfaction: 1, advisor_score: 9, ..no_answer.clone() };
        assert_eq!(wrong(talking), ["attempt.advisor_score", "attempt.satisfaction"]);
        let mut tick = request(no_answer);
        tick.attempt.as_mut().unwrap().call_record = " ".to_owned();
        assert!(check(tick).unwrap_err().violations().fields().contains("attempt.call_record"));
    }
}
