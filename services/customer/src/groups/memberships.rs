//! `ListGroupMemberships`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, GroupMembershipId, Page, Result, StaffId, Violations, sql, time};
use foursight_proto::customer::v1::{
    GroupMembership, ListGroupMembershipsRequest, ListGroupMembershipsResponse,
};
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    names, scope,
};

struct Row {
    id: Uuid,
    its_group: i16,
    start_time: sql::Timestamp,
    reason: String,
    store_id: Option<Uuid>,
    staff_id: Option<Uuid>,
    end_time: Option<sql::Timestamp>,
    end_reason: String,
    end_store_id: Option<Uuid>,
    end_staff_id: Option<Uuid>,
}

/// A customer's memberships, past ones included, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListGroupMembershipsRequest,
) -> Result<ListGroupMembershipsResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<GroupMembershipId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, its_group, start_time, reason, store_id, staff_id, end_time, end_reason, end_store_id, end_staff_id
         FROM customer.group_memberships
         WHERE customer_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        customer.uuid(),
        page.after.map(GroupMembershipId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let to_proto = |row: Row| GroupMembership {
        name: names::below(customer, "groupMemberships", row.id),
        group: row.its_group.into(),
        start_time: Some(time::to_proto(row.start_time.to_jiff())),
        reason: row.reason,
        store: scope::store_within(caller, row.store_id),
        staff: row.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
        end_time: row.end_time.map(|at| time::to_proto(at.to_jiff())),
        end_reason: row.end_reason,
        end_store: scope::store_within(caller, row.end_store_id),
        end_staff: row.end_staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
    };
    Ok(ListGroupMembershipsResponse {
        group_memberships: rows.into_iter().map(to_proto).collect(),
        next_page_token,
    })
}
