//! Stores, for their time zones: they decide which month an instant belongs to.

use foursight_kernel::ids::StoreId;
use foursight_messaging::HandleError;
use foursight_proto::identity::events::v1::StoreChanged;
use sqlx::PgConnection;

use super::{Reading, newest::NewestById};

/// The stores that a batch tells of, each with its zone.
#[derive(Default)]
pub(super) struct Stores(NewestById<StoreId, String>);

impl Stores {
    pub(super) fn changed(&mut self, version: i64, told: &StoreChanged) -> Result<(), HandleError> {
        let mut reading = Reading::new();
        let store = reading.0.name::<StoreId>("store", &told.store);
        let store = reading.finish(store)?;
        let zone = told.calendar.as_ref().map(|calendar| calendar.time_zone.clone());
        self.0.tell(store, version, zone.unwrap_or_default());
        Ok(())
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut ids, mut zones, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for (id, version, zone) in self.0.into_rows() {
            ids.push(id.uuid());
            zones.push(zone);
            versions.push(version);
        }
        sqlx::query!(
            "INSERT INTO analytics.stores AS s (store_id, time_zone, version)
             SELECT t.store_id, analytics.known_zone(t.zone), t.version
             FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t (store_id, zone, version)
             ON CONFLICT (store_id) DO UPDATE
             SET time_zone = EXCLUDED.time_zone, version = EXCLUDED.version
             WHERE s.version < EXCLUDED.version",
            &ids,
            &zones,
            &versions,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
