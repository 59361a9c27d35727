//! Follows identity: who works where, in which roles.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::identity::events::v1::StaffChanged;
use foursight_runtime::staffing::Member;
use sqlx::PgConnection;

/// The consumer that keeps the newest version of each member of staff.
pub(crate) fn consumer() -> ConsumerSpec {
    ConsumerSpec::new("staff", &[Source::event::<StaffChanged>()], Arc::new(People))
}

struct People;

#[async_trait]
impl Handler for People {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(member) = Member::heard(event)? else { return Ok(()) };
        sqlx::query!(
            "INSERT INTO customer.staff AS s (id, stores, headquarters, active, roles, version)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
             SET stores = excluded.stores, headquarters = excluded.headquarters, active = excluded.active,
                 roles = excluded.roles, version = excluded.version
             WHERE s.version < excluded.version",
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
}
