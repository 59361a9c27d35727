//! One member of staff.

use foursight_access::Principal;
use foursight_kernel::{Result, StaffId, StoreId, Violations};
use foursight_proto::identity::v1 as proto;
use sqlx::PgConnection;

use super::{StaffRecord, error::StaffError};
use crate::directory::Directory;

pub(crate) async fn get(
    directory: &Directory,
    caller: &Principal,
    request: &proto::GetStaffRequest,
) -> Result<proto::Staff> {
    let id = name(&request.name)?;
    let mut tx = directory.db.begin(caller).await?;
    let staff = find(&mut tx, id).await?.ok_or(StaffError::NotFound)?;
    Ok(staff.to_proto())
}

/// Reads the field `name`.
pub(super) fn name(name: &str) -> Result<StaffId> {
    let mut v = Violations::default();
    let id = v.name::<StaffId>("name", name);
    v.check()?;
    id.ok_or_else(|| StaffError::NotFound.into())
}

/// A member of staff, if the transaction's reach covers one of the person's stores.
pub(super) async fn find(tx: &mut PgConnection, id: StaffId) -> Result<Option<StaffRecord>> {
    let staff = sqlx::query_as!(
        StaffRecord,
        r#"SELECT id AS "id: StaffId", login, display_name, roles, headquarters, active, created_at, version,
                  ARRAY(SELECT w.store_id FROM identity.staff_stores w WHERE w.staff_id = s.id ORDER BY 1)
                      AS "stores!: Vec<StoreId>"
           FROM identity.staff s WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(staff)
}
