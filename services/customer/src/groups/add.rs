//! `AddToGroup`.

use foursight_access::Principal;
use foursight_kernel::{Error, GroupMembershipId, Result, StaffId, Violations, sql};
use foursight_proto::customer::{
    events::v1::GroupChanged,
    v1::{AddToGroupRequest, Customer},
};
use serde_json::json;

use crate::{
    context::Context,
    customers::file_step::FileStep,
    groups::{self, GroupError},
    times,
};

/// Puts a customer into a group.
///
/// # Errors
/// `ALREADY_IN_GROUP`, `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field
/// at once.
pub(super) async fn add(
    ctx: &Context,
    caller: &Principal,
    mut request: AddToGroupRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "AddToGroup", &mut request);
    let group = groups::parse(&mut v, request.group);
    let reason = v.text("reason", &request.reason, 1..=500);
    let told = v.timestamp("start_time", request.start_time.as_ref());
    let start = times::past(&mut v, "start_time", told, ctx.now());
    v.check()?;
    let (Some(step), Some(group)) = (step, group) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let number = sql::number(group);
        if found.groups.contains(&number) {
            return Err(GroupError::AlreadyIn.into());
        }
        let last_end = sqlx::query_scalar!(
            r#"SELECT max(end_time) AS "end: sql::Timestamp" FROM customer.group_memberships
               WHERE customer_id = $1 AND its_group = $2"#,
            step.customer.uuid(),
            number,
        )
        .fetch_one(&mut *tx)
        .await?;
        if last_end.is_some_and(|end| end.to_jiff() > start) {
            return Err(Error::invalid_field("start_time", "must not be before an earlier membership ended"));
        }
        sqlx::query!(
            "INSERT INTO customer.group_memberships (id, customer_id, its_group, start_time, reason, store_id, staff_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            ctx.ids.next::<GroupMembershipId>().uuid(),
            step.customer.uuid(),
            number,
            sql::at(start) as _,
            reason,
            step.store.uuid(),
            caller.staff().map(StaffId::uuid),
        )
        .execute(&mut *tx)
        .await?;
        found.groups.push(number);
        found.groups.sort_unstable();
        let changed = GroupChanged {
            customer: step.customer.name(),
            store: step.store.name(),
            group: group.into(),
            member: true,
        };
        let detail = json!({ "group": group.as_str_name() });
        step.take(&mut tx, ctx, caller, (&found, &changed, detail), None).await?;
    }
    step.end(tx, ctx).await
}
