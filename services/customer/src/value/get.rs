//! `GetCustomerValue`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, StaffId, Violations, sql, time};
use foursight_proto::customer::v1::{CustomerValue, GetCustomerValueRequest, ValueDecision};
use uuid::Uuid;

use crate::{context::Context, customers::CustomerError, scope, visits::to_money};

const MOST_DECISIONS: i64 = 50;

struct DecisionRow {
    tier: Option<i16>,
    reason: String,
    store_id: Uuid,
    staff_id: Uuid,
    decide_time: sql::Timestamp,
}

/// What a customer is worth, and how that is known.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file.
pub(super) async fn get(
    ctx: &Context,
    caller: &Principal,
    request: &GetCustomerValueRequest,
) -> Result<CustomerValue> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("name", &request.name);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query!(
        r#"SELECT c.value_tier, v.computed_tier AS "computed_tier?", v.value_fen AS "value_fen?"
           FROM customer.customers c LEFT JOIN customer.customer_values v ON v.customer_id = c.id
           WHERE c.id = $1 AND c.merged_into IS NULL"#,
        customer.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(CustomerError::NotFound)?;
    let decisions = sqlx::query_as!(
        DecisionRow,
        "SELECT tier, reason, store_id, staff_id, decide_time FROM customer.value_decisions
         WHERE customer_id = $1 ORDER BY id DESC LIMIT $2",
        customer.uuid(),
        MOST_DECISIONS,
    )
    .fetch_all(&mut *tx)
    .await?;
    let to_proto = |row: DecisionRow| ValueDecision {
        value_tier: row.tier.unwrap_or_default().into(),
        reason: row.reason,
        store: scope::store_within(caller, Some(row.store_id)),
        staff: StaffId::from(row.staff_id).name(),
        decide_time: Some(time::to_proto(row.decide_time.to_jiff())),
    };
    Ok(CustomerValue {
        name: customer.name(),
        value_tier: row.value_tier.into(),
        computed_tier: row.computed_tier.unwrap_or_default().into(),
        amount: Some(to_money(row.value_fen.unwrap_or_default())),
        decisions: decisions.into_iter().map(to_proto).collect(),
    })
}
