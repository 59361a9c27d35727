//! Call tasks between their rows and the API's form.

use std::collections::HashMap;

use foursight_kernel::{
    CallTaskId, CustomerId, DeliveryId, Result, StaffId, StoreId, VisitId, sql,
    time::{maybe_to_proto, to_proto},
};
use foursight_proto::notification::v1::{CallAttempt, CallTask, CallTaskKind, CallTaskState};
use sqlx::PgConnection;
use uuid::Uuid;

use super::CallTaskError;

/// A call task as it is stored.
pub(super) struct TaskRow {
    pub(super) id: Uuid,
    pub(super) store_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) kind: i16,
    pub(super) state: i16,
    pub(super) subject_id: Uuid,
    pub(super) assignee_id: Option<Uuid>,
    pub(super) assigner_id: Option<Uuid>,
    pub(super) advisor_id: Option<Uuid>,
    pub(super) attempts: i16,
    pub(super) due_time: sql::Timestamp,
    pub(super) complete_time: Option<sql::Timestamp>,
    pub(super) create_time: sql::Timestamp,
    pub(super) version: i64,
}

impl TaskRow {
    /// That nothing can be added to the task, and how it ended.
    pub(super) fn is_over(&self) -> CallTaskError {
        let state = CallTaskState::try_from(i32::from(self.state)).unwrap_or_default().as_str_name();
        let ended = self.complete_time.map(|at| at.to_jiff().to_string());
        CallTaskError::NotOpen { state, complete_time: ended.unwrap_or_default() }
    }

    /// The name of what the call is about.
    pub(super) fn subject(&self) -> String {
        subject_name(i32::from(self.kind), self.subject_id)
    }

    /// The advisor's name, or nothing.
    pub(super) fn advisor(&self) -> String {
        staff_name(self.advisor_id)
    }

    /// What gives back who shows to know the task as it is.
    pub(super) fn etag(&self) -> String {
        format!("r{}", self.version)
    }

    /// In the API's form.
    pub(super) fn into_proto(self, attempts: Vec<CallAttempt>) -> CallTask {
        CallTask {
            name: CallTaskId::from(self.id).name(),
            store: StoreId::from(self.store_id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            kind: i32::from(self.kind),
            state: i32::from(self.state),
            subject: self.subject(),
            assignee: staff_name(self.assignee_id),
            due_time: Some(to_proto(self.due_time.to_jiff())),
            attempts,
            complete_time: maybe_to_proto(self.complete_time.map(sql::Timestamp::to_jiff)),
            create_time: Some(to_proto(self.create_time.to_jiff())),
            advisor: self.advisor(),
            etag: self.etag(),
        }
    }
}

/// The name of a delivery or a visit, by the kind of call.
pub(crate) fn subject_name(kind: i32, subject: Uuid) -> String {
    match CallTaskKind::try_from(kind) {
        Ok(CallTaskKind::AfterDelivery) => DeliveryId::from(subject).name(),
        Ok(CallTaskKind::AfterService) => VisitId::from(subject).name(),
        Ok(CallTaskKind::Unspecified) | Err(_) => String::new(),
    }
}

fn staff_name(id: Option<Uuid>) -> String {
    id.map(|id| StaffId::from(id).name()).unwrap_or_default()
}

/// One task with its attempts, if the transaction's caller may see it.
pub(super) async fn load(tx: &mut PgConnection, id: CallTaskId) -> Result<Option<CallTask>> {
    let row = sqlx::query_as!(
        TaskRow,
        "SELECT id, store_id, customer_id, kind, state, subject_id, assignee_id, assigner_id, advisor_id, attempts,
                due_time, complete_time, create_time, version
         FROM notification.call_tasks WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let attempts = attempts(tx, &[row.id]).await?.remove(&row.id).unwrap_or_default();
    Ok(Some(row.into_proto(attempts)))
}

/// The same, locked until the transaction ends.
pub(super) async fn lock(tx: &mut PgConnection, id: CallTaskId) -> Result<Option<TaskRow>> {
    let row = sqlx::query_as!(
        TaskRow,
        "SELECT id, store_id, customer_id, kind, state, subject_id, assignee_id, assigner_id, advisor_id, attempts,
                due_time, complete_time, create_time, version
         FROM notification.call_tasks WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row)
}

/// The attempts of several tasks, each task's in their order.
pub(super) async fn attempts(
    tx: &mut PgConnection,
    tasks: &[Uuid],
) -> Result<HashMap<Uuid, Vec<CallAttempt>>> {
    let rows = sqlx::query!(
        "SELECT call_task_id, number, result, satisfaction, advisor_score, note, category, call_record, caller_id,
                create_time
         FROM notification.call_attempts WHERE call_task_id = ANY ($1) ORDER BY call_task_id, number",
        tasks,
    )
    .fetch_all(tx)
    .await?;
    let mut by_task: HashMap<Uuid, Vec<CallAttempt>> = HashMap::new();
    for row in rows {
        by_task.entry(row.call_task_id).or_default().push(CallAttempt {
            number: i32::from(row.number),
            result: i32::from(row.result),
            satisfaction: row.satisfaction.map(i32::from).unwrap_or_default(),
            advisor_score: row.advisor_score.map(i32::from).unwrap_or_default(),
            note: row.note.unwrap_or_default(),
            category: row.category.unwrap_or_default(),
            call_record: row.call_record,
            caller: StaffId::from(row.caller_id).name(),
            create_time: Some(to_proto(row.create_time.to_jiff())),
        });
    }
    Ok(by_task)
}
