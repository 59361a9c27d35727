//! Follow-up calls: planned, and over. Two events tell one row; either may come first.

use std::collections::BTreeMap;

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

use super::{Reading, newest::Newest};

/// The calls that a batch tells of; in order, as in [`super::newest::NewestById`].
#[derive(Default)]
pub(super) struct CallTasks(BTreeMap<CallTaskId, CallTask>);

#[derive(Default)]
struct CallTask {
    /// Told by both events: the newer one holds.
    task: Newest<(StoreId, jiff::Timestamp)>,
    planned: Newest<()>,
    outcome: Newest<Outcome>,
}

struct Outcome {
    state: i16,
    complete_time: jiff::Timestamp,
    advisor_score: i16,
}

impl CallTasks {
    pub(super) fn planned(&mut self, version: i64, told: &CallTaskPlanned) -> Result<(), HandleError> {
        let task = self.task(version, &told.call_task, &told.store, told.due_time.as_ref())?;
        task.planned.tell(version, ());
        Ok(())
    }

    pub(super) fn completed(&mut self, version: i64, told: &CallTaskCompleted) -> Result<(), HandleError> {
        let outcome = read_outcome(told)?;
        let task = self.task(version, &told.call_task, &told.store, told.due_time.as_ref())?;
        task.outcome.tell(version, outcome);
        Ok(())
    }

    /// Reads what both events tell.
    fn task(
        &mut self,
        version: i64,
        task: &str,
        store: &str,
        due_time: Option<&prost_types::Timestamp>,
    ) -> Result<&mut CallTask, HandleError> {
        let mut reading = Reading::new();
        let task = reading.0.name::<CallTaskId>("call_task", task);
        let store = reading.0.name::<StoreId>("store", store);
        let due_time = reading.time("due_time", due_time);
        let ((id, store), due_time) = reading.finish(task.zip(store).zip(due_time))?;
        let task = self.0.entry(id).or_default();
        task.task.tell(version, (store, due_time));
        Ok(task)
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        let (mut ids, mut stores, mut dues, mut planned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut states, mut times, mut ratings) = (Vec::new(), Vec::new(), Vec::new());
        let mut completed = Vec::new();
        for (id, task) in self.0 {
            let Some((store, due_time)) = task.task.told() else { continue };
            let outcome = task.outcome.told();
            ids.push(id.uuid());
            stores.push(store.uuid());
            dues.push(sql::at(*due_time));
            planned.push(task.planned.version());
            states.push(outcome.map(|outcome| outcome.state));
            times.push(sql::maybe_at(outcome.map(|outcome| outcome.complete_time)));
            ratings.push(outcome.map(|outcome| outcome.advisor_score));
            completed.push(task.outcome.version());
        }
        if ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO analytics.call_tasks AS t
                 (call_task_id, store_id, due_time, planned_version, state, complete_time, advisor_score, completed_version)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::smallint[],
                                  $6::timestamptz[], $7::smallint[], $8::bigint[])
             ON CONFLICT (call_task_id) DO UPDATE
             SET store_id = CASE WHEN greatest(EXCLUDED.planned_version, EXCLUDED.completed_version)
                                      > greatest(t.planned_version, t.completed_version)
                                 THEN EXCLUDED.store_id ELSE t.store_id END,
                 due_time = CASE WHEN greatest(EXCLUDED.planned_version, EXCLUDED.completed_version)
                                      > greatest(t.planned_version, t.completed_version)
                                 THEN EXCLUDED.due_time ELSE t.due_time END,
                 planned_version = greatest(EXCLUDED.planned_version, t.planned_version),
                 state = CASE WHEN t.completed_version IS NULL OR EXCLUDED.completed_version > t.completed_version
                              THEN EXCLUDED.state ELSE t.state END,
                 complete_time = CASE WHEN t.completed_version IS NULL OR EXCLUDED.completed_version > t.completed_version
                                      THEN EXCLUDED.complete_time ELSE t.complete_time END,
                 advisor_score = CASE WHEN t.completed_version IS NULL OR EXCLUDED.completed_version > t.completed_version
                                      THEN EXCLUDED.advisor_score ELSE t.advisor_score END,
                 completed_version = greatest(EXCLUDED.completed_version, t.completed_version)",
            &ids,
            &stores,
            dues as _,
            &planned as _,
            &states as _,
            times as _,
            &ratings as _,
            &completed as _,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
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
