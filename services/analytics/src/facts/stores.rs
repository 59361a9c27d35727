//! Stores, for their time zones: they decide which month an instant belongs to.

use foursight_kernel::ids::StoreId;
use foursight_messaging::HandleError;
use foursight_proto::identity::events::v1::StoreChanged;
use sqlx::PgConnection;

use super::Reading;

pub(super) async fn changed(
    tx: &mut PgConnection,
    version: i64,
    told: &StoreChanged,
) -> Result<(), HandleError> {
    let mut reading = Reading::new();
    let store = reading.0.name::<StoreId>("store", &told.store);
    let store = reading.finish(store)?;
    let zone = told.calendar.as_ref().map_or("", |calendar| calendar.time_zone.as_str());
    sqlx::query!(
        "INSERT INTO analytics.stores AS s (store_id, time_zone, version)
         VALUES ($1, analytics.known_zone($2), $3)
         ON CONFLICT (store_id) DO UPDATE
         SET time_zone = EXCLUDED.time_zone, version = EXCLUDED.version
         WHERE s.version < EXCLUDED.version",
        store.uuid(),
        zone,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}
