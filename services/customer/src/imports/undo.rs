//! `UndoImport`.

use foursight_access::Principal;
use foursight_kernel::{Result, Violations, sql};
use foursight_proto::customer::v1::{Import, ImportState, UndoImportRequest};

use crate::{
    context::Context,
    imports::{ImportError, run::Step, run_step::RunStep},
};

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
    let step = RunStep::parse(&mut v, ctx, caller, "UndoImport", &mut request);
    v.check()?;
    let step = step.ok_or(ImportError::NotFound)?;
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(run) = found {
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
            step.run.uuid(),
            sql::number(ImportState::Undoing),
            Step::Undo as i16,
            i64::MAX,
            sql::at(step.now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let detail = serde_json::json!({ "created": run.created, "updated": run.updated });
        step.record(&mut tx, caller, &run, detail).await?;
    }
    step.end(tx, ctx).await
}
