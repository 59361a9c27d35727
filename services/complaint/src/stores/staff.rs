//! Who may be given a case.

use foursight_access::rights::roles_with;
use foursight_kernel::{Result, StaffId, StoreId};
use sqlx::PgConnection;

/// The roles of those who may own a case: they grant what working on one needs.
pub(crate) fn owner_roles() -> Vec<i16> {
    roles_with("complaint.write")
}

/// Whether somebody may own a store's cases: active, of this store or of headquarters, and with the right to work on them.
pub(crate) async fn may_own(tx: &mut PgConnection, staff: StaffId, store: StoreId) -> Result<bool> {
    // Whose roles were not heard yet is judged as before they were kept.
    let may = sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM complaint.staff
             WHERE staff_id = $1 AND active AND (headquarters OR stores @> ARRAY[$2::uuid])
               AND (roles IS NULL OR roles && $3::smallint[])) AS "may!""#,
        staff.uuid(),
        store.uuid(),
        &owner_roles(),
    )
    .fetch_one(tx)
    .await?;
    Ok(may)
}

/// Whether identity told of somebody, and they may not own a store's cases as it told: they left, changed store or work differently.
/// Their token may be older. Of whom nothing was heard yet the token says enough.
pub(crate) async fn may_no_more_own(tx: &mut PgConnection, staff: StaffId, store: StoreId) -> Result<bool> {
    let gone = sqlx::query_scalar!(
        r#"SELECT NOT (active AND (headquarters OR stores @> ARRAY[$2::uuid])
                       AND (roles IS NULL OR roles && $3::smallint[])) AS "gone!"
           FROM complaint.staff WHERE staff_id = $1"#,
        staff.uuid(),
        store.uuid(),
        &owner_roles(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(gone.unwrap_or(false))
}
