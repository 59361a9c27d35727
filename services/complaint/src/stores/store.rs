//! A store as far as the service knows it, by what identity told.

use foursight_kernel::{Error, Result, StoreId, working_time::Calendar};
use foursight_proto::identity::v1 as identity;
use prost::Message;
use sqlx::PgConnection;

use super::Hours;

/// What the service knows of a store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// What case numbers begin with.
    pub(crate) code: String,
    pub(crate) hours: Hours,
}

impl Store {
    /// A store as an event or a row tells it. A calendar that cannot be read is replaced by the stand-in.
    pub(crate) fn new(code: String, calendar: &identity::Calendar) -> Result<Self> {
        let hours = match Calendar::from_proto(calendar) {
            Ok(calendar) => Hours::of_store(calendar),
            Err(error) => {
                tracing::warn!(%code, %error, "a store's calendar cannot be counted on");
                Hours::stand_in()?
            }
        };
        Ok(Self { code, hours })
    }

    /// A store of which nothing was told yet. Its code is made from its id, so that numbers stay unique.
    pub(crate) fn unknown(store: StoreId) -> Result<Self> {
        let id = store.uuid().simple().to_string().to_uppercase();
        // The end of the id is random; its beginning is the time.
        let code = format!("S{}", id.get(20..).unwrap_or(&id));
        Ok(Self { code, hours: Hours::stand_in()? })
    }
}

/// Whether identity has told of the store.
pub(crate) async fn is_known(tx: &mut PgConnection, store: StoreId) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM complaint.stores WHERE store_id = $1) AS "known!""#,
        store.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(known)
}

/// What is known of a store.
pub(crate) async fn find(tx: &mut PgConnection, store: StoreId) -> Result<Store> {
    let row = sqlx::query!("SELECT code, calendar FROM complaint.stores WHERE store_id = $1", store.uuid())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Store::unknown(store) };
    let calendar = identity::Calendar::decode(row.calendar.as_slice()).map_err(Error::internal)?;
    Store::new(row.code, &calendar)
}
