//! `ListTagAssignments`.

use foursight_access::Principal;
use foursight_kernel::{
    CustomerId, Error, Page, Result, StaffId, TagAssignmentId, TagId, Violations, sql, time,
};
use foursight_proto::customer::v1::{ListTagAssignmentsRequest, ListTagAssignmentsResponse, TagAssignment};
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    names, scope,
};

struct Row {
    id: Uuid,
    tag_id: Uuid,
    start_time: sql::Timestamp,
    store_id: Uuid,
    staff_id: Option<Uuid>,
    end_time: Option<sql::Timestamp>,
    end_store_id: Option<Uuid>,
    end_staff_id: Option<Uuid>,
}

/// Which tags a customer has and had, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListTagAssignmentsRequest,
) -> Result<ListTagAssignmentsResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<TagAssignmentId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, tag_id, start_time, store_id, staff_id, end_time, end_store_id, end_staff_id
         FROM customer.customer_tags
         WHERE customer_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        customer.uuid(),
        page.after.map(TagAssignmentId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let to_proto = |row: Row| TagAssignment {
        name: names::below(customer, "tagAssignments", row.id),
        tag: TagId::from(row.tag_id).name(),
        start_time: Some(time::to_proto(row.start_time.to_jiff())),
        store: scope::store_within(caller, Some(row.store_id)),
        staff: row.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
        end_time: row.end_time.map(|at| time::to_proto(at.to_jiff())),
        end_store: scope::store_within(caller, row.end_store_id),
        end_staff: row.end_staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
    };
    Ok(ListTagAssignmentsResponse {
        tag_assignments: rows.into_iter().map(to_proto).collect(),
        next_page_token,
    })
}
