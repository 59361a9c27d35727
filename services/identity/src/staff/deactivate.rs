//! Ending a member of staff's access.
//!
//! Every session ends in the same transaction; an access token that is out lives on for its few minutes.

use foursight_access::{Principal, audit};
use foursight_kernel::{Result, StaffId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::identity::v1 as proto;
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::{StaffRecord, error::StaffError, get};
use crate::{directory::Directory, tokens::session};

pub(crate) async fn deactivate(
    directory: &Directory,
    caller: &Principal,
    request: &proto::DeactivateStaffRequest,
) -> Result<proto::Staff> {
    let id = get::name(&request.name)?;
    let now = directory.clock.now();
    let mut tx = directory.db.begin(caller).await?;
    let left = leave(&mut tx, id, now).await?;
    let staff = get::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?;
    if left {
        finish(directory, &mut tx, caller, &staff, now).await?;
        tx.commit().await?;
    }
    Ok(staff.to_proto())
}

/// Whether the person was active until now. Sign-ins wait for this row, so that none slips in between.
async fn leave(tx: &mut PgConnection, id: StaffId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE identity.staff
         SET active = false, deactivated_at = $2, version = version + 1, updated_at = $2
         WHERE id = $1 AND active",
        id.uuid(),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn finish(
    directory: &Directory,
    tx: &mut PgConnection,
    caller: &Principal,
    staff: &StaffRecord,
    now: Timestamp,
) -> Result<()> {
    let sessions = session::end_all_of(tx, staff.id, now).await?;
    let event = NewEvent::new(&staff.to_event(), staff.id.uuid(), staff.version, None);
    let action = audit::Action {
        method: "DeactivateStaff",
        resource: &staff.id.name(),
        store: None,
        detail: serde_json::json!({ "sessions": sessions }),
    };
    record::change(tx, &directory.ids, caller, now, event, action).await
}
