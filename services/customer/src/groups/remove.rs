//! `RemoveFromGroup`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, StaffId, Violations, sql};
use foursight_proto::customer::{
    events::v1::GroupChanged,
    v1::{Customer, RemoveFromGroupRequest},
};
use serde_json::json;

use crate::{
    context::Context,
    customers::file_step::FileStep,
    groups::{self, GroupError},
};

/// Ends a membership.
///
/// # Errors
/// `NOT_IN_GROUP`, `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at
/// once.
pub(super) async fn remove(
    ctx: &Context,
    caller: &Principal,
    mut request: RemoveFromGroupRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "RemoveFromGroup", &mut request);
    let group = groups::parse(&mut v, request.group);
    let reason = v.text("reason", &request.reason, 1..=500);
    v.check()?;
    let (Some(step), Some(group)) = (step, group) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let number = sql::number(group);
        if !found.groups.contains(&number) {
            return Err(GroupError::NotIn.into());
        }
        sqlx::query!(
            "UPDATE customer.group_memberships
             SET end_time = greatest(start_time, $3), end_reason = $4, end_store_id = $5, end_staff_id = $6
             WHERE customer_id = $1 AND its_group = $2 AND end_time IS NULL",
            step.customer.uuid(),
            number,
            sql::at(step.now) as _,
            reason,
            step.store.uuid(),
            caller.staff().map(StaffId::uuid),
        )
        .execute(&mut *tx)
        .await?;
        found.groups.retain(|other| *other != number);
        let changed = GroupChanged {
            customer: step.customer.name(),
            store: step.store.name(),
            group: group.into(),
            member: false,
        };
        let detail = json!({ "group": group.as_str_name() });
        step.take(&mut tx, ctx, caller, (&found, &changed, detail), None).await?;
    }
    step.end(tx, ctx).await
}
