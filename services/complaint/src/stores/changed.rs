//! Follows identity: stores with their calendars, and who works where as what.

use async_trait::async_trait;
use foursight_kernel::{Error, StoreId};
use foursight_messaging::{HandleError, Handler, Received};
use foursight_proto::identity::events::v1::StoreChanged;
use foursight_runtime::staffing::Member;
use prost::Message;
use sqlx::PgConnection;

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
        if let Some(member) = Member::heard(event)? {
            keep(tx, &member).await?;
        }
        Ok(())
    }
}

async fn store_changed(tx: &mut PgConnection, version: i64, event: &StoreChanged) -> Result<(), HandleError> {
    let store =
        StoreId::parse_name(&event.store).map_err(|error| HandleError::Permanent(Error::internal(error)))?;
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

async fn keep(tx: &mut PgConnection, member: &Member) -> Result<(), HandleError> {
    // The same version again: the release before writes it without the roles.
    sqlx::query!(
        "INSERT INTO complaint.staff AS s (staff_id, stores, headquarters, active, roles, version)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (staff_id) DO UPDATE
         SET stores = excluded.stores, headquarters = excluded.headquarters, active = excluded.active,
             roles = excluded.roles, version = excluded.version
         WHERE s.version <= excluded.version",
        member.id.uuid(),
        &member.stores,
        member.headquarters,
        member.active,
        &member.roles,
        member.version,
    )
    .execute(tx)
    .await?;
    Ok(())
}
