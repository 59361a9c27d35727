//! `GetImport`.

use foursight_access::Principal;
use foursight_kernel::{ImportId, Result, Violations};
use foursight_proto::customer::v1::{GetImportRequest, Import};

use crate::{
    context::Context,
    imports::{ImportError, run},
};

/// One run.
///
/// # Errors
/// `IMPORT_NOT_FOUND` when there is none in the caller's stores.
pub(super) async fn get(ctx: &Context, caller: &Principal, request: &GetImportRequest) -> Result<Import> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("name", &request.name);
    v.check()?;
    let mut tx = ctx.db.begin(caller).await?;
    run::read(&mut tx, id.ok_or(ImportError::NotFound)?).await?.to_proto(&ctx.keys)
}
