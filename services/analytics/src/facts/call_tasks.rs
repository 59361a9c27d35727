//! Follow-up calls: planned, and over. Two events tell one row; either may come first.

use foursight_kernel::{
    ids::{CallTaskId, StoreId},
    sql,
};
use foursight_messaging::HandleError;
use foursight_proto::notification::{
    events::v1::{CallTaskCompleted, CallTaskPlanned},
    v1::CallTaskState,
};
use sqlx::PgConnection;

use super::Reading;

pub(super) async fn planned(
    tx: &mut PgConnection,
    version: i64,
    told: &CallTaskPlanned,
) -> Result<(), HandleError> {
    let task = read(&told.call_task, &told.store, told.due_time.as_ref())?;
    // Store and due time are told by both events: the newer one holds.
    sqlx::query!(
        "INSERT INTO analytics.call_tasks AS t (call_task_id, store_id, due_time, planned_version)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (call_task_id) DO UPDATE
         SET store_id = CASE WHEN EXCLUDED.planned_version < t.completed_version THEN t.store_id ELSE EXCLUDED.store_id END,
             due_time = CASE WHEN EXCLUDED.planned_version < t.completed_version THEN t.due_time ELSE EXCLUDED.due_time END,
             planned_version = EXCLUDED.planned_version
         WHERE t.planned_version IS NULL OR t.planned_version < EXCLUDED.planned_version",
        task.id.uuid(),
        task.store.uuid(),
        sql::at(task.due_time) as _,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn completed(
    tx: &mut PgConnection,
    version: i64,
    told: &CallTaskCompleted,
) -> Result<(), HandleError> {
    let task = read(&told.call_task, &told.store, told.due_time.as_ref())?;
    let outcome = read_outcome(told)?;
    sqlx::query!(
        "INSERT INTO analytics.call_tasks AS t
             (call_task_id, store_id, due_time, state, complete_time, advisor_score, completed_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (call_task_id) DO UPDATE
         SET store_id = CASE WHEN EXCLUDED.completed_version < t.planned_version THEN t.store_id ELSE EXCLUDED.store_id END,
             due_time = CASE WHEN EXCLUDED.completed_version < t.planned_version THEN t.due_time ELSE EXCLUDED.due_time END,
             state = EXCLUDED.state, complete_time = EXCLUDED.complete_time,
             advisor_score = EXCLUDED.advisor_score, completed_version = EXCLUDED.completed_version
         WHERE t.completed_version IS NULL OR t.completed_version < EXCLUDED.completed_version",
        task.id.uuid(),
        task.store.uuid(),
        sql::at(task.due_time) as _,
        outcome.state,
        sql::at(outcome.complete_time) as _,
        outcome.advisor_score,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

struct Task {
    id: CallTaskId,
    store: StoreId,
    due_time: jiff::Timestamp,
}

fn read(task: &str, store: &str, due_time: Option<&prost_types::Timestamp>) -> Result<Task, HandleError> {
    let mut reading = Reading::new();
    let task = reading.0.name::<CallTaskId>("call_task", task);
    let store = reading.0.name::<StoreId>("store", store);
    let due_time = reading.time("due_time", due_time);
    let fact = task.zip(store).zip(due_time);
    reading.finish(fact.map(|((id, store), due_time)| Task { id, store, due_time }))
}

struct Outcome {
    state: i16,
    complete_time: jiff::Timestamp,
    advisor_score: i16,
}

fn read_outcome(told: &CallTaskCompleted) -> Result<Outcome, HandleError> {
    let mut reading = Reading::new();
    let state = reading.0.required_enum::<CallTaskState>("state", told.state);
    let state = state.and_then(|state| i16::try_from(i32::from(state)).ok());
    let complete_time = reading.time("complete_time", told.complete_time.as_ref());
    let advisor_score = i16::try_from(told.advisor_score).ok().filter(|score| (0..=10).contains(score));
    if advisor_score.is_none() {
        reading.0.push("advisor_score", "must be between 0 and 10");
    }
    let fact = state.zip(complete_time).zip(advisor_score);
    reading.finish(fact.map(|((state, complete_time), advisor_score)| Outcome {
        state,
        complete_time,
        advisor_score,
    }))
}
