//! The staff of the stores that the caller may see, by name.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, StaffId, StoreId, Violations, sql};
use foursight_proto::identity::v1::{self as proto, Role};

use super::StaffRecord;
use crate::{
    directory::Directory,
    stores::{error::StoreError, get as stores},
};

pub(crate) async fn list(
    directory: &Directory,
    caller: &Principal,
    request: &proto::ListStaffRequest,
) -> Result<proto::ListStaffResponse> {
    let mut v = Violations::default();
    let store = v.optional_name::<StoreId>("store", &request.store);
    let role = v.optional_enum::<Role>("role", request.role);
    v.check()?;
    let page = Page::<StaffId>::parse(request)?;

    if let Some(store) = store {
        caller.require_store(store)?;
    }
    let mut tx = directory.db.begin_list(caller).await?;
    if let Some(store) = store {
        stores::find(&mut tx, store).await?.ok_or(StoreError::NotFound)?;
    }
    let rows = sqlx::query_as!(
        StaffRecord,
        r#"SELECT id AS "id: StaffId", login, display_name, roles, headquarters, active, created_at, version,
                  ARRAY(SELECT w.store_id FROM identity.staff_stores w WHERE w.staff_id = s.id ORDER BY 1)
                      AS "stores!: Vec<StoreId>"
           FROM identity.staff s
           WHERE ($1::uuid IS NULL
                  OR EXISTS (SELECT FROM identity.staff_stores w WHERE w.staff_id = s.id AND w.store_id = $1))
             AND ($2::smallint IS NULL OR $2 = ANY (roles))
             AND ($3::uuid IS NULL
                  OR (display_name, id)
                     > (SELECT last.display_name, last.id FROM identity.staff last WHERE last.id = $3))
           ORDER BY display_name, id LIMIT $4"#,
        store.map(StoreId::uuid) as _,
        role.map(sql::number) as _,
        page.after.map(StaffId::uuid) as _,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |staff| staff.id)?;
    Ok(proto::ListStaffResponse { staff: rows.iter().map(StaffRecord::to_proto).collect(), next_page_token })
}
