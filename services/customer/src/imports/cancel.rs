//! `CancelImport`.

use foursight_access::Principal;
use foursight_kernel::{Result, Violations, sql};
use foursight_proto::customer::v1::{CancelImportRequest, Import, ImportState};

use crate::{
    context::Context,
    imports::{ImportError, run_step::RunStep},
};

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
    let step = RunStep::parse(&mut v, ctx, caller, "CancelImport", &mut request);
    v.check()?;
    let step = step.ok_or(ImportError::NotFound)?;
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(run) = found {
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
            step.run.uuid(),
            sql::number(ImportState::Cancelled),
            sql::at(step.now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let detail = serde_json::json!({ "done_rows": run.done_rows });
        step.record(&mut tx, caller, &run, detail).await?;
    }
    step.end(tx, ctx).await
}
