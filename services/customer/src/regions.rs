//! In which region each store is: follows identity.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{Error, Result, StoreId};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::identity::events::v1::StoreChanged;
use foursight_runtime::Database;
use sqlx::PgConnection;

/// The consumer that keeps the newest version of each store.
pub(crate) fn consumer() -> ConsumerSpec {
    ConsumerSpec::new("regions", &[Source::event::<StoreChanged>()], Arc::new(Stores))
}

struct Stores;

#[async_trait]
impl Handler for Stores {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(it) = event.decode::<StoreChanged>()? else { return Ok(()) };
        let store = StoreId::parse_name(&it.store).map_err(Error::internal)?;
        sqlx::query!(
            "INSERT INTO customer.stores AS s (id, region, version) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET region = excluded.region, version = excluded.version
             WHERE s.version < excluded.version",
            store.uuid(),
            it.region,
            event.version,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// The stores of a region, whoever reaches them; none when there is no such region.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn stores_of(db: &Database, region: &str) -> Result<Vec<StoreId>> {
    let stores =
        db.ask(|| sqlx::query!("SELECT id FROM customer.stores WHERE region = $1 ORDER BY id", region));
    Ok(stores.await?.into_iter().map(|store| StoreId::from(store.id)).collect())
}
