//! `UpdateRetentionRule`.

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, Violations, sql};
use foursight_proto::customer::v1::{RetentionKind, RetentionRule, UpdateRetentionRuleRequest};
use serde_json::json;

use super::{LONGEST, RuleRow};
use crate::context::Context;

/// Sets how long a kind is kept.
///
/// # Errors
/// `STAFF_ONLY`, and every wrong field at once.
pub(super) async fn update(
    ctx: &Context,
    caller: &Principal,
    request: UpdateRetentionRuleRequest,
) -> Result<RetentionRule> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let kind: Option<RetentionKind> = v.required_enum("kind", request.kind);
    let keep_months = v.number("keep_months", request.keep_months, 0..=LONGEST);
    v.check()?;
    let kind = kind.ok_or_else(|| Error::invalid_field("kind", "is required"))?;
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        RuleRow,
        "INSERT INTO customer.retention_rules AS r (kind, keep_months, update_time, staff_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind) DO UPDATE
         SET keep_months = excluded.keep_months, update_time = excluded.update_time, staff_id = excluded.staff_id
         RETURNING kind, keep_months, update_time, staff_id, apply_time",
        sql::number(kind),
        keep_months,
        sql::at(now) as _,
        by.uuid(),
    )
    .fetch_one(&mut *tx)
    .await?;
    let action = audit::Action {
        method: "UpdateRetentionRule",
        resource: "retentionRules",
        store: None,
        detail: json!({ "kind": kind.as_str_name(), "keep_months": keep_months }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await?;
    Ok(row.to_proto())
}
