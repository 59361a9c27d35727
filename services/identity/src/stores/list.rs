//! The stores that the caller may see, by region and name.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, StoreId};
use foursight_proto::identity::v1 as proto;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{StoreRecord, calendar::Hours};
use crate::directory::Directory;

/// The last store of a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    region: String,
    display_name: String,
    id: StoreId,
}

pub(crate) async fn list(
    directory: &Directory,
    caller: &Principal,
    request: &proto::ListStoresRequest,
) -> Result<proto::ListStoresResponse> {
    // The list has no filter but the caller's reach.
    let filter = proto::ListStoresRequest::default();
    let page = Page::<Cursor>::parse(request.page_size, &request.page_token, &filter)?;
    let after = page.after.as_ref();
    let mut tx = directory.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        StoreRecord,
        r#"SELECT id AS "id: StoreId", code, display_name, region, city, time_zone,
                  calendar AS "calendar: Json<Hours>", version, request_hash
           FROM identity.stores
           WHERE $1::uuid IS NULL OR (region, display_name, id) > ($2, $3, $1)
           ORDER BY region, display_name, id LIMIT $4"#,
        after.map(|cursor| cursor.id.uuid()) as _,
        after.map(|cursor| cursor.region.as_str()),
        after.map(|cursor| cursor.display_name.as_str()),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |store| Cursor {
        region: store.region.clone(),
        display_name: store.display_name.clone(),
        id: store.id,
    })?;
    Ok(proto::ListStoresResponse {
        stores: rows.iter().map(StoreRecord::to_proto).collect(),
        next_page_token,
    })
}
