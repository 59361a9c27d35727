//! Call tasks by due time, the most urgent first: the day's work of a follow-up specialist.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, StaffId, StoreId, Violations, sql};
use foursight_proto::notification::v1::{CallTaskState, ListCallTasksRequest, ListCallTasksResponse};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    CallTasks,
    rows::{TaskRow, attempts},
};

pub(super) async fn list(
    service: &CallTasks,
    caller: &Principal,
    request: &ListCallTasksRequest,
) -> Result<ListCallTasksResponse> {
    let mut violations = Violations::default();
    let store: Option<StoreId> = violations.optional_name("store", &request.store);
    let customer: Option<CustomerId> = violations.optional_name("customer", &request.customer);
    let assignee: Option<StaffId> = violations.optional_name("assignee", &request.assignee);
    let state = violations.optional_enum("state", request.state).unwrap_or(CallTaskState::Open);
    violations.check()?;
    let page = Page::<(Timestamp, Uuid)>::parse(request)?;
    let (after_time, after_id) = page.after.unzip();
    if let Some(store) = store {
        caller.require_store(store)?;
    }

    let mut tx = service.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        TaskRow,
        "SELECT id, store_id, customer_id, kind, state, subject_id, assignee_id, assigner_id, advisor_id, attempts, due_time,
                complete_time, create_time, version
         FROM notification.call_tasks
         WHERE state = $1
           AND ($2::uuid IS NULL OR store_id = $2)
           AND ($3::uuid IS NULL OR customer_id = $3)
           AND ($4::uuid IS NULL OR assignee_id = $4)
           AND ($5::timestamptz IS NULL OR (due_time, id) > ($5, $6))
         ORDER BY due_time, id LIMIT $7",
        state as i16,
        store.map(StoreId::uuid),
        customer.map(CustomerId::uuid),
        assignee.map(StaffId::uuid),
        sql::maybe_at(after_time) as _,
        after_id,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| (row.due_time.to_jiff(), row.id))?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut attempts = attempts(&mut tx, &ids).await?;
    let call_tasks = rows
        .into_iter()
        .map(|row| {
            let attempts = attempts.remove(&row.id).unwrap_or_default();
            row.into_proto(attempts)
        })
        .collect();
    Ok(ListCallTasksResponse { call_tasks, next_page_token })
}
