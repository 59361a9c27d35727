//! `CancelImport`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{ImportId, Result, Violations, sql};
use foursight_proto::customer::v1::{CancelImportRequest, Import, ImportState};
use foursight_runtime::step;

use crate::{
    context::Context,
    imports::{ImportError, run},
};

const METHOD: &str = "CancelImport";

/// Stops a run after the batch in hand: its transaction has the row that is locked here.
///
/// # Errors
/// `IMPORT_NOT_FOUND`, `IMPORT_STATE`, `REQUEST_ID_REUSED`, wrong fields.
pub(super) async fn cancel(
    ctx: &Context,
    caller: &Principal,
    mut request: CancelImportRequest,
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
            ImportState::Uploading | ImportState::Checking | ImportState::Applying => {}
            ImportState::Undoing => {
                return Err(ImportError::State("a run that is being undone is undone to the end").into());
            }
            _ => return Err(ImportError::State("the run is over: there is nothing to cancel").into()),
        }
        sqlx::query!(
            "UPDATE customer.imports SET state = $2, slot = NULL, finish_time = $3, version = version + 1, update_time = $3
             WHERE id = $1",
            id.uuid(),
            sql::number(ImportState::Cancelled),
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let action = audit::Action {
            method: METHOD,
            resource: &id.name(),
            store: Some(run.store()),
            detail: serde_json::json!({ "done_rows": run.done_rows }),
        };
        audit::record(&mut tx, caller, now, action).await?;
    }
    let import = run::read(&mut tx, id).await?.to_proto(&ctx.keys)?;
    tx.commit().await?;
    Ok(import)
}
