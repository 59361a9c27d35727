//! `UndoImport`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{ImportId, Result, Violations, sql};
use foursight_proto::customer::v1::{Import, ImportState, UndoImportRequest};
use foursight_runtime::step;

use crate::{
    context::Context,
    imports::{
        ImportError,
        run::{self, Step},
    },
};

const METHOD: &str = "UndoImport";

/// Lets the worker take back what a run did, last row first.
///
/// # Errors
/// `IMPORT_NOT_FOUND`, `IMPORT_STATE`, `REQUEST_ID_REUSED`, wrong fields.
pub(super) async fn undo(
    ctx: &Context,
    caller: &Principal,
    mut request: UndoImportRequest,
) -> Result<Import> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let run = run::lock(&mut tx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), run.store(), now).await? {
        match run.state()? {
            ImportState::Done | ImportState::Cancelled | ImportState::Failed if run.has_written() => {}
            ImportState::Done if !run.dry_run => {}
            ImportState::Checking | ImportState::Applying => {
                return Err(ImportError::State("the run is under way: cancel it first").into());
            }
            ImportState::Undoing | ImportState::Undone => {
                return Err(ImportError::State("the run is undone, or about to be").into());
            }
            _ => {
                return Err(
                    ImportError::State("the run has written nothing: there is nothing to undo").into()
                );
            }
        }
        sqlx::query!(
            "UPDATE customer.imports
             SET state = $2, step = $3, done_row = $4, done_rows = 0, undone = 0, kept = 0, attempts = 0, finish_time = NULL,
                 version = version + 1, update_time = $5
             WHERE id = $1",
            id.uuid(),
            sql::number(ImportState::Undoing),
            Step::Undo as i16,
            i64::MAX,
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let action = audit::Action {
            method: METHOD,
            resource: &id.name(),
            store: Some(run.store()),
            detail: serde_json::json!({ "created": run.created, "updated": run.updated }),
        };
        audit::record(&mut tx, caller, now, action).await?;
    }
    let import = run::read(&mut tx, id).await?.to_proto(&ctx.keys)?;
    tx.commit().await?;
    Ok(import)
}
