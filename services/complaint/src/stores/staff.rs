//! Who may be given a case.

use foursight_kernel::{Result, StaffId, StoreId};
use sqlx::PgConnection;

/// Whether somebody may own a store's cases: active, and of this store or of headquarters.
pub(crate) async fn may_own(tx: &mut PgConnection, staff: StaffId, store: StoreId) -> Result<bool> {
    let may = sqlx::query_scalar!(
        r#"SELECT active AND (headquarters OR $2 = ANY (stores)) AS "may!" FROM complaint.staff WHERE staff_id = $1"#,
        staff.uuid(),
        store.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(may.unwrap_or(false))
}
