//! Follows identity: who works where, in which roles.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{Error, InvalidName, StaffId, StoreId};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::identity::events::v1::StaffChanged;
use sqlx::PgConnection;
use uuid::Uuid;

/// The consumer that keeps the newest version of each member of staff.
pub(crate) fn consumer() -> ConsumerSpec {
    ConsumerSpec::new("staff", &[Source::event::<StaffChanged>()], Arc::new(People))
}

struct People;

#[async_trait]
impl Handler for People {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(changed) = event.decode::<StaffChanged>()? else { return Ok(()) };
        let staff = StaffId::parse_name(&changed.staff).map_err(permanent)?;
        let stores: Vec<Uuid> = changed
            .stores
            .iter()
            .map(|name| StoreId::parse_name(name).map(StoreId::uuid))
            .collect::<Result<_, _>>()
            .map_err(permanent)?;
        let roles: Vec<i16> = changed.roles.iter().filter_map(|role| i16::try_from(*role).ok()).collect();
        sqlx::query!(
            "INSERT INTO customer.staff AS s (id, stores, headquarters, active, roles, version)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
             SET stores = excluded.stores, headquarters = excluded.headquarters, active = excluded.active,
                 roles = excluded.roles, version = excluded.version
             WHERE s.version < excluded.version",
            staff.uuid(),
            &stores,
            changed.headquarters,
            changed.active,
            &roles,
            event.version,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn permanent(error: InvalidName) -> HandleError {
    HandleError::Permanent(Error::internal(error))
}
