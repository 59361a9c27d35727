//! Who the caller is.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::identity::v1 as proto;

use super::{error::StaffError, get};
use crate::directory::Directory;

/// Answers about the caller only, and so with all of the caller's stores, whatever the token's reach.
pub(crate) async fn me(directory: &Directory, caller: &Principal) -> Result<proto::Staff> {
    let id = caller.require_staff()?;
    let mut tx = directory.db.begin_as_service().await?;
    let staff = get::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?;
    Ok(staff.to_proto())
}
