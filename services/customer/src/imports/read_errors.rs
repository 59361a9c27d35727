//! `ReadImportErrors`.

use foursight_access::Principal;
use foursight_kernel::{ImportId, Result, Violations};
use foursight_proto::customer::v1::{ReadImportErrorsRequest, ReadImportErrorsResponse};

use crate::{
    context::Context,
    imports::{
        ImportError,
        chunks::{self, PIECE, Part},
        run,
    },
};

/// A piece of the file of rows that were not taken.
///
/// # Errors
/// `IMPORT_NOT_FOUND`, `IMPORT_HAS_NO_ERROR_FILE`, wrong fields.
pub(super) async fn read(
    ctx: &Context,
    caller: &Principal,
    request: &ReadImportErrorsRequest,
) -> Result<ReadImportErrorsResponse> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("name", &request.name);
    if request.offset < 0 {
        v.push("offset", "must not be negative");
    }
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let mut tx = ctx.db.begin(caller).await?;
    let run = run::read(&mut tx, id).await?;
    if run.error_bytes == 0 || run.remove_time.is_some() {
        return Err(ImportError::NoErrorFile.into());
    }
    let size_bytes = run.error_bytes;
    // Pieces are of one length, but for the last.
    let start = request.offset - request.offset % PIECE;
    let piece =
        chunks::piece(&mut tx, &run.key(&ctx.keys)?, id, Part::Errors, start).await?.unwrap_or_default();
    let within = usize::try_from(request.offset - start).unwrap_or_default();
    let data = piece.get(within..).unwrap_or_default().to_vec().into();
    Ok(ReadImportErrorsResponse { data, size_bytes })
}
