//! `ListRetentionRules`.

use foursight_access::Principal;
use foursight_kernel::{Result, sql};
use foursight_proto::customer::v1::{ListRetentionRulesResponse, RetentionKind, RetentionRule};

use super::{KINDS, RuleRow};
use crate::context::Context;

/// Every kind, with its rule.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn list(ctx: &Context, caller: &Principal) -> Result<ListRetentionRulesResponse> {
    let mut tx = ctx.db.begin(caller).await?;
    let rows = sqlx::query_as!(
        RuleRow,
        "SELECT kind, keep_months, update_time, staff_id, apply_time FROM customer.retention_rules"
    )
    .fetch_all(&mut *tx)
    .await?;
    let rule = |kind: RetentionKind| {
        let row = rows.iter().find(|row| row.kind == sql::number(kind));
        row.map_or_else(|| RetentionRule { kind: kind.into(), ..RetentionRule::default() }, RuleRow::to_proto)
    };
    Ok(ListRetentionRulesResponse { rules: KINDS.into_iter().map(rule).collect() })
}
