//! `SetValueTier`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, Violations, sql};
use foursight_proto::customer::{
    events::v1::ValueTierChanged,
    v1::{Customer, SetValueTierRequest, ValueTier},
};
use serde_json::json;

use crate::{context::Context, customers::file_step::FileStep};

/// Decides a customer's tier, or gives it back to the amounts. Each decision stays on record with who took it and why.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `STAFF_ONLY`, and every wrong field at once.
pub(super) async fn decide(
    ctx: &Context,
    caller: &Principal,
    mut request: SetValueTierRequest,
) -> Result<Customer> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "SetValueTier", &mut request);
    let tier: Option<ValueTier> = v.optional_enum("value_tier", request.value_tier);
    let reason = v.text("reason", &request.reason, 1..=500);
    v.check()?;
    let Some(step) = step else { return Err(Error::invalid_field("name", "is required")) };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let previous = found.value_tier;
        let counted = sqlx::query!(
            "WITH decided AS (
                 INSERT INTO customer.value_decisions (id, customer_id, tier, reason, store_id, staff_id, decide_time)
                 VALUES ($3, $1, $2, $4, $5, $6, $7)
             )
             INSERT INTO customer.customer_values AS v (customer_id, value_fen, decided_tier) VALUES ($1, 0, $2)
             ON CONFLICT (customer_id) DO UPDATE SET decided_tier = excluded.decided_tier, version = v.version + 1
             RETURNING v.computed_tier, v.version",
            step.customer.uuid(),
            tier.map(sql::number),
            ctx.ids.uuid(),
            reason,
            step.store.uuid(),
            by.uuid(),
            sql::at(step.now) as _,
        )
        .fetch_one(&mut *tx)
        .await?;
        found.value_tier = tier.map_or(counted.computed_tier, sql::number);
        let changed = ValueTierChanged {
            customer: step.customer.name(),
            store: step.store.name(),
            value_tier: found.value_tier.into(),
            previous_tier: previous.into(),
            decided: tier.is_some(),
        };
        let detail = json!({ "decided": tier.map(|tier| tier.as_str_name()) });
        step.take(&mut tx, ctx, caller, (&found, &changed, detail), Some(counted.version)).await?;
    }
    step.end(tx, ctx).await
}
