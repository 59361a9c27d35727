//! `ListExports`.

use foursight_access::Principal;
use foursight_kernel::{ExportId, Page, Result, SegmentId, StoreId, Violations, sql::Timestamp, time};
use foursight_proto::customer::v1::{Export, ListExportsRequest, ListExportsResponse};
use serde_json::Value;
use uuid::Uuid;

use crate::context::Context;

struct Row {
    id: Uuid,
    store_id: Option<Uuid>,
    format: i16,
    unmasked: bool,
    purpose: String,
    reason: String,
    segment_id: Option<Uuid>,
    filter: Value,
    subject: String,
    start_time: Timestamp,
    rows: Option<i64>,
    complete: Option<bool>,
    end_time: Option<Timestamp>,
}

/// What was taken out of the caller's stores, newest first.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListExportsRequest,
) -> Result<ListExportsResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    if let Some(store) = store {
        caller.require_store(store)?;
    }
    let page = Page::<ExportId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT x.id, x.store_id, x.format, x.unmasked, x.purpose, x.reason, x.segment_id, x.filter, x.subject, x.start_time,
                  e.rows AS "rows?", e.complete AS "complete?", e.end_time AS "end_time?: Timestamp"
           FROM customer.exports x LEFT JOIN customer.export_ends e ON e.export_id = x.id
           WHERE ($1::uuid IS NULL OR x.store_id = $1) AND ($2::uuid IS NULL OR x.id < $2)
           ORDER BY x.id DESC LIMIT $3"#,
        store.map(StoreId::uuid),
        page.after.map(ExportId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    Ok(ListExportsResponse { exports: rows.into_iter().map(Row::into_proto).collect(), next_page_token })
}

impl Row {
    fn into_proto(self) -> Export {
        Export {
            name: ExportId::from(self.id).name(),
            store: self.store_id.map(|id| StoreId::from(id).name()).unwrap_or_default(),
            format: self.format.into(),
            unmasked: self.unmasked,
            purpose: self.purpose,
            reason: self.reason,
            segment: self.segment_id.map(|id| SegmentId::from(id).name()).unwrap_or_default(),
            filter: self.filter.to_string(),
            staff: self.subject,
            start_time: Some(time::to_proto(self.start_time.to_jiff())),
            end_time: self.end_time.map(|at| time::to_proto(at.to_jiff())),
            rows: self.rows.unwrap_or_default(),
            complete: self.complete.unwrap_or_default(),
        }
    }
}
