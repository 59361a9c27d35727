//! `ListStageChanges`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, Result, StaffId, StageChangeId, Violations, sql, time};
use foursight_proto::customer::v1::{ListStageChangesRequest, ListStageChangesResponse, StageChange};
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    names, scope,
};

struct Row {
    id: Uuid,
    previous_stage: i16,
    stage: i16,
    cause: i16,
    reason: String,
    store_id: Option<Uuid>,
    staff_id: Option<Uuid>,
    correct_time: sql::Timestamp,
}

/// What people and time have made of a customer's stage, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; a wrong page.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListStageChangesRequest,
) -> Result<ListStageChangesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<StageChangeId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, previous_stage, stage, cause, reason, store_id, staff_id, correct_time
         FROM customer.stage_corrections
         WHERE customer_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        customer.uuid(),
        page.after.map(StageChangeId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let to_proto = |row: Row| StageChange {
        name: names::below(customer, "stageChanges", row.id),
        previous_stage: row.previous_stage.into(),
        stage: row.stage.into(),
        cause: row.cause.into(),
        reason: row.reason,
        store: scope::store_within(caller, row.store_id),
        staff: row.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
        change_time: Some(time::to_proto(row.correct_time.to_jiff())),
    };
    Ok(ListStageChangesResponse { stage_changes: rows.into_iter().map(to_proto).collect(), next_page_token })
}
