//! `GetErasure`.

use foursight_access::Principal;
use foursight_kernel::{ErasureId, Result, Violations};
use foursight_proto::customer::v1::{Erasure, GetErasureRequest};

use crate::{
    context::Context,
    erasures::{ErasureError, row},
};

/// An erasure, with its certificate when it is over.
///
/// # Errors
/// `ERASURE_NOT_FOUND`, wrong fields.
pub(super) async fn get(ctx: &Context, caller: &Principal, request: &GetErasureRequest) -> Result<Erasure> {
    let mut v = Violations::default();
    let id: Option<ErasureId> = v.name("name", &request.name);
    v.check()?;
    let id = id.ok_or(ErasureError::NotFound)?;
    let mut tx = ctx.db.begin(caller).await?;
    row::read(&mut tx, id).await
}
