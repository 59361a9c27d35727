//! What stays on record of an export: that it began, and how it ended.

use foursight_access::{Principal, audit};
use foursight_kernel::{ExportId, Result, SegmentId, StoreId, sql};
use serde_json::json;

use super::request::Wanted;
use crate::{context::Context, customers::Shown};

/// Writes that it begins.
///
/// # Errors
/// `UNAVAILABLE` while the database is away: then nothing leaves.
pub(super) async fn begin(ctx: &Context, caller: &Principal, wanted: &Wanted) -> Result<ExportId> {
    let (now, id) = (ctx.now(), ctx.ids.next::<ExportId>());
    let unmasked = wanted.shown == Shown::Whole;
    let mut tx = ctx.db.begin(caller).await?;
    sqlx::query!(
        "INSERT INTO customer.exports (id, store_id, format, unmasked, purpose, reason, segment_id, filter, subject, start_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.uuid(),
        wanted.store.map(StoreId::uuid),
        sql::number(wanted.format),
        unmasked,
        wanted.purpose,
        wanted.reason,
        wanted.segment.map(SegmentId::uuid),
        wanted.filter,
        caller.subject.name(),
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    let action = audit::Action {
        method: "ExportCustomers",
        resource: &id.name(),
        store: wanted.store,
        detail: json!({
            "format": wanted.format.as_str_name(), "unmasked": unmasked, "purpose": wanted.purpose, "reason": wanted.reason,
            "segment": wanted.segment.map(SegmentId::name), "filter": wanted.filter,
        }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await?;
    Ok(id)
}

/// Writes how it ended.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn end(
    ctx: &Context,
    caller: &Principal,
    (id, store): (ExportId, Option<StoreId>),
    (rows, complete): (i64, bool),
) -> Result<()> {
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    sqlx::query!(
        "INSERT INTO customer.export_ends (export_id, store_id, rows, complete, end_time) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        store.map(StoreId::uuid),
        rows,
        complete,
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    let detail = json!({ "rows": rows, "complete": complete });
    let action = audit::Action { method: "ExportCustomers", resource: &id.name(), store, detail };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await
}
