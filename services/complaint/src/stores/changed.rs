//! Follows identity: stores with their calendars, and who works where as what.

use async_trait::async_trait;
use foursight_kernel::{Error, StaffId, StoreId};
use foursight_messaging::{HandleError, Handler, Received};
use foursight_proto::identity::events::v1::{StaffChanged, StoreChanged};
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

/// Keeps the newest version of each store.
pub(crate) struct Stores;

/// Keeps the newest version of each member of staff.
pub(crate) struct People;

#[async_trait]
impl Handler for Stores {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        if let Some(store) = event.decode::<StoreChanged>()? {
            store_changed(tx, event.version, &store).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for People {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        if let Some(staff) = event.decode::<StaffChanged>()? {
            staff_changed(tx, event.version, &staff).await?;
        }
        Ok(())
    }
}

async fn store_changed(tx: &mut PgConnection, version: i64, event: &StoreChanged) -> Result<(), HandleError> {
    let store = StoreId::parse_name(&event.store).map_err(permanent)?;
    let calendar = event.calendar.clone().unwrap_or_default().encode_to_vec();
    sqlx::query!(
        "INSERT INTO complaint.stores AS s (store_id, code, calendar, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (store_id) DO UPDATE
         SET code = excluded.code, calendar = excluded.calendar, version = excluded.version
         WHERE s.version < excluded.version",
        store.uuid(),
        event.code,
        calendar,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn staff_changed(tx: &mut PgConnection, version: i64, event: &StaffChanged) -> Result<(), HandleError> {
    let staff = StaffId::parse_name(&event.staff).map_err(permanent)?;
    let stores: Vec<Uuid> = event
        .stores
        .iter()
        .map(|name| StoreId::parse_name(name).map(StoreId::uuid))
        .collect::<Result<_, _>>()
        .map_err(permanent)?;
    let roles: Vec<i16> = event.roles.iter().filter_map(|role| i16::try_from(*role).ok()).collect();
    // The same version again: the release before writes it without the roles.
    sqlx::query!(
        "INSERT INTO complaint.staff AS s (staff_id, stores, headquarters, active, roles, version)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (staff_id) DO UPDATE
         SET stores = excluded.stores, headquarters = excluded.headquarters, active = excluded.active,
             roles = excluded.roles, version = excluded.version
         WHERE s.version <= excluded.version",
        staff.uuid(),
        &stores,
        event.headquarters,
        event.active,
        &roles,
        version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn permanent(error: foursight_kernel::InvalidName) -> HandleError {
    HandleError::Permanent(Error::internal(error))
}
