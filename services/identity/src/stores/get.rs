//! One store.

use foursight_access::Principal;
use foursight_kernel::{Result, StoreId, Violations};
use foursight_proto::identity::v1 as proto;
use sqlx::{PgConnection, types::Json};

use super::{StoreRecord, calendar::Hours, error::StoreError};
use crate::directory::Directory;

pub(crate) async fn get(
    directory: &Directory,
    caller: &Principal,
    request: &proto::GetStoreRequest,
) -> Result<proto::Store> {
    let id = name(&request.name)?;
    let mut tx = directory.db.begin(caller).await?;
    let store = find(&mut tx, id).await?.ok_or(StoreError::NotFound)?;
    Ok(store.to_proto())
}

/// Reads the field `name`.
pub(super) fn name(name: &str) -> Result<StoreId> {
    let mut v = Violations::default();
    let id = v.name::<StoreId>("name", name);
    v.check()?;
    id.ok_or_else(|| StoreError::NotFound.into())
}

/// A store, if the transaction's reach covers it.
pub(crate) async fn find(tx: &mut PgConnection, id: StoreId) -> Result<Option<StoreRecord>> {
    let store = sqlx::query_as!(
        StoreRecord,
        r#"SELECT id AS "id: StoreId", code, display_name, region, city, time_zone,
                  calendar AS "calendar: Json<Hours>", version, request_hash
           FROM identity.stores WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(store)
}
