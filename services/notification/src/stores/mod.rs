//! What identity told about stores and staff, as far as calls and messages need it: in which zone a store's night is, who signs
//! for it, and who may be given its calls.

use async_trait::async_trait;
use foursight_kernel::{Error, Result, StoreId, ids::Id};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::identity::events::v1::{StaffChanged, StoreChanged};
use foursight_runtime::staffing::Member;
use jiff::tz::TimeZone;
use sqlx::PgConnection;
use std::sync::Arc;

use crate::settings::NotificationSettings;

/// Follows identity.
struct Directory;

/// The consumer that keeps the projection.
pub(crate) fn consumer() -> ConsumerSpec {
    let sources = [Source::event::<StoreChanged>(), Source::event::<StaffChanged>()];
    ConsumerSpec::new("directory", &sources, Arc::new(Directory))
}

#[async_trait]
impl Handler for Directory {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        if let Some(changed) = event.decode::<StoreChanged>()? {
            store_changed(tx, event.version, &changed).await
        } else if let Some(member) = Member::heard(event)? {
            keep(tx, &member).await
        } else {
            Ok(())
        }
    }
}

async fn store_changed(
    tx: &mut PgConnection,
    version: i64,
    changed: &StoreChanged,
) -> Result<(), HandleError> {
    let store: StoreId = id_in(&changed.store)?;
    let time_zone = changed.calendar.as_ref().map_or("", |calendar| calendar.time_zone.as_str());
    sqlx::query!(
        "INSERT INTO notification.stores (store_id, display_name, time_zone, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (store_id) DO UPDATE
         SET display_name = excluded.display_name, time_zone = excluded.time_zone, version = excluded.version
         WHERE stores.version < excluded.version",
        store.uuid(),
        changed.display_name,
        time_zone,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut PgConnection, member: &Member) -> Result<(), HandleError> {
    sqlx::query!(
        "INSERT INTO notification.staff (id, roles, stores, active, version) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE
         SET roles = excluded.roles, stores = excluded.stores, active = excluded.active, version = excluded.version
         WHERE staff.version < excluded.version",
        member.id.uuid(),
        &member.roles,
        &member.stores,
        member.active,
        member.version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An id in an event. One that cannot be read will never be.
pub(crate) fn id_in<I: Id>(name: &str) -> Result<I, HandleError> {
    I::parse_name(name).map_err(|error| HandleError::Permanent(Error::internal(error)))
}

/// The zone of a store; the group's when identity has not told us about the store yet.
pub(crate) async fn zone(
    tx: &mut PgConnection,
    store: StoreId,
    settings: &NotificationSettings,
) -> Result<TimeZone> {
    let name =
        sqlx::query_scalar!("SELECT time_zone FROM notification.stores WHERE store_id = $1", store.uuid())
            .fetch_optional(tx)
            .await?;
    Ok(zone_named(name.as_deref(), settings))
}

/// The zone of a name; the group's for a name that is absent or that nobody knows.
pub(crate) fn zone_named(name: Option<&str>, settings: &NotificationSettings) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| settings.fallback_zone())
}
