//! Replacing a store's calendar. Clocks that run already keep the deadline that they were given.

use foursight_access::{Principal, audit};
use foursight_kernel::{Result, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::identity::v1 as proto;
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::{PgConnection, types::Json};

use super::{
    StoreRecord,
    calendar::{Calendar, Hours},
    error::StoreError,
};
use crate::directory::Directory;

pub(crate) async fn update(
    directory: &Directory,
    caller: &Principal,
    request: &proto::UpdateStoreCalendarRequest,
) -> Result<proto::Store> {
    let mut v = Violations::default();
    let id = v.name::<StoreId>("name", &request.name);
    let calendar = Calendar::read(&mut v, "calendar", request.calendar.as_ref());
    v.check()?;
    let (Some(id), Some(calendar)) = (id, calendar) else { return Err(StoreError::NotFound.into()) };

    let now = directory.clock.now();
    let mut tx = directory.db.begin(caller).await?;
    let store = replace(&mut tx, id, calendar, now).await?.ok_or(StoreError::NotFound)?;
    let event = NewEvent::new(&store.to_event(), store.id.uuid(), store.version, Some(store.id));
    let action = audit::Action {
        method: "UpdateStoreCalendar",
        resource: &store.id.name(),
        store: Some(store.id),
        detail: serde_json::json!({ "version": store.version }),
    };
    record::change(&mut tx, &directory.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(store.to_proto())
}

async fn replace(
    tx: &mut PgConnection,
    id: StoreId,
    calendar: Calendar,
    now: Timestamp,
) -> Result<Option<StoreRecord>> {
    let store = sqlx::query_as!(
        StoreRecord,
        r#"UPDATE identity.stores
           SET time_zone = $2, calendar = $3, version = version + 1, updated_at = $4
           WHERE id = $1
           RETURNING id AS "id: StoreId", code, display_name, region, city, time_zone,
                     calendar AS "calendar: Json<Hours>", version, request_hash"#,
        id.uuid(),
        calendar.time_zone,
        Json(calendar.hours) as Json<Hours>,
        sql::at(now) as _,
    )
    .fetch_optional(tx)
    .await?;
    Ok(store)
}
