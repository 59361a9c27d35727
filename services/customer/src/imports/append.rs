//! `AppendImportData`.

use foursight_access::Principal;
use foursight_kernel::{Error, ImportId, Result, Violations, sql};
use foursight_proto::customer::v1::{AppendImportDataRequest, Import, ImportState};

use crate::{
    context::Context,
    imports::{
        ImportError,
        chunks::{self, Part},
        run,
    },
};

const MOST_PIECE: usize = 1 << 20;
const MOST_PIECES: i32 = 20_000;
const MOST_BYTES: i64 = 1 << 30;

/// Adds the file's next piece, once for its place.
///
/// # Errors
/// `IMPORT_NOT_FOUND`, `IMPORT_OFFSET`, `IMPORT_BEGUN`, `IMPORT_TOO_LARGE`, wrong fields.
pub(super) async fn append(
    ctx: &Context,
    caller: &Principal,
    request: AppendImportDataRequest,
) -> Result<Import> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("name", &request.name);
    if request.offset < 0 {
        v.push("offset", "must not be negative");
    }
    if request.data.is_empty() || request.data.len() > MOST_PIECE {
        v.push("data", format!("must have 1 to {MOST_PIECE} bytes"));
    }
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let (length, now) = (i32::try_from(request.data.len()).map_err(Error::internal)?, ctx.now());

    let mut tx = ctx.db.begin(caller).await?;
    let mut run = run::lock(&mut tx, id).await?;
    let key = run.key(&ctx.keys)?;
    if run.remove_time.is_some() {
        return Err(ImportError::Removed.into());
    }
    if request.offset < run.size_bytes {
        // The answer of the first time may have been lost.
        let there = chunks::piece(&mut tx, &key, id, Part::File, request.offset).await?;
        let same = there.is_some_and(|there| there.as_slice() == request.data.as_ref());
        return if same { run.to_proto(&ctx.keys) } else { Err(ImportError::Offset(run.size_bytes).into()) };
    }
    if run.state()? != ImportState::Uploading {
        return Err(ImportError::NotUploading.into());
    }
    if request.offset > run.size_bytes {
        return Err(ImportError::Offset(run.size_bytes).into());
    }
    if run.chunks >= MOST_PIECES || run.size_bytes + i64::from(length) > MOST_BYTES {
        return Err(ImportError::TooLarge.into());
    }
    chunks::add(&mut tx, &key, id, Part::File, request.offset, &request.data).await?;
    let written = sqlx::query!(
        r#"UPDATE customer.imports SET size_bytes = size_bytes + $2, chunks = chunks + 1, version = version + 1, update_time = $3
           WHERE id = $1 RETURNING size_bytes, chunks, version, update_time AS "update_time: sql::Timestamp""#,
        id.uuid(),
        i64::from(length),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    (run.size_bytes, run.chunks, run.version, run.update_time) =
        (written.size_bytes, written.chunks, written.version, written.update_time);
    let import = run.to_proto(&ctx.keys)?;
    tx.commit().await?;
    Ok(import)
}
