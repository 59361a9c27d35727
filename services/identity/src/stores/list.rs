//! The stores that the caller may see, by region and name.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, StoreId};
use foursight_proto::identity::v1 as proto;
use sqlx::types::Json;

use super::{StoreRecord, calendar::Hours};
use crate::directory::Directory;

pub(crate) async fn list(
    directory: &Directory,
    caller: &Principal,
    request: &proto::ListStoresRequest,
) -> Result<proto::ListStoresResponse> {
    let page = Page::<StoreId>::parse(request)?;
    let mut tx = directory.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        StoreRecord,
        r#"SELECT id AS "id: StoreId", code, display_name, region, city, time_zone,
                  calendar AS "calendar: Json<Hours>", version, request_hash
           FROM identity.stores
           WHERE $1::uuid IS NULL
              OR (region, display_name, id)
                 > (SELECT last.region, last.display_name, last.id FROM identity.stores last WHERE last.id = $1)
           ORDER BY region, display_name, id LIMIT $2"#,
        page.after.map(StoreId::uuid) as _,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |store| store.id)?;
    Ok(proto::ListStoresResponse {
        stores: rows.iter().map(StoreRecord::to_proto).collect(),
        next_page_token,
    })
}
