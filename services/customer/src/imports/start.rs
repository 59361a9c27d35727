//! `StartImport`.

use foursight_access::{Principal, Reach};
use foursight_kernel::{Result, Violations, sql};
use foursight_proto::customer::v1::{Import, ImportState, StartImportRequest};

use crate::{
    context::Context,
    customers::tries,
    imports::{
        ImportError, create, kind,
        run::{self, Run, Step},
        run_step::RunStep,
    },
};

/// Lets a run begin, or go on where it was stopped.
///
/// # Errors
/// `IMPORT_NOT_FOUND`, `IMPORT_EMPTY`, `IMPORT_STATE`, `IMPORT_FILE_REMOVED`, `TOO_MANY_TRIES`, `REQUEST_ID_REUSED`, wrong
/// fields.
pub(super) async fn start(
    ctx: &Context,
    caller: &Principal,
    mut request: StartImportRequest,
) -> Result<Import> {
    let mut v = Violations::default();
    let step = RunStep::parse(&mut v, ctx, caller, "StartImport", &mut request);
    let mapping = create::mapping(&mut v, "mapping", &request.mapping);
    v.check()?;
    let step = step.ok_or(ImportError::NotFound)?;
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(run) = found {
        let mut v = Violations::default();
        create::known_fields(&mut v, "mapping", &mapping, kind::of_number(run.kind)?);
        v.check()?;
        let goes_on = may_start(&run, request.dry_run)?;
        tries::admit_caller(&mut tx, caller, step.now).await?;
        let key = run.key(&ctx.keys)?;
        let mut mapped = run.mapping(&key)?;
        mapped.extend(mapping);
        let sealed = run::seal_mapping(&key, &mapped)?;
        if goes_on {
            sqlx::query!(
                "UPDATE customer.imports
                 SET state = $2, clashes = 0, attempts = 0, failure = NULL, failure_message = NULL, finish_time = NULL,
                     creator = $4, creator_group = $5, version = version + 1, update_time = $3
                 WHERE id = $1",
                step.run.uuid(),
                sql::number(ImportState::Applying),
                sql::at(step.now) as _,
                caller.subject.name(),
                caller.reach == Reach::Group,
            )
            .execute(&mut *tx)
            .await?;
        } else {
            sqlx::query!(
                "UPDATE customer.imports
                 SET state = $2, dry_run = $3, step = $4, mapping_sealed = $5, attempts = 0, columns_sealed = NULL, total_rows = 0,
                     done_row = 0, done_rows = 0, created = 0, updated = 0, unchanged = 0, conflicts = 0, errors = 0, clashes = 0,
                     failure = NULL, failure_message = NULL, error_bytes = 0, start_time = $6, finish_time = NULL,
                     creator = $7, creator_group = $8, version = version + 1, update_time = $6
                 WHERE id = $1",
                step.run.uuid(),
                sql::number(ImportState::Checking),
                request.dry_run,
                Step::Read as i16,
                sealed,
                sql::at(step.now) as _,
                caller.subject.name(),
                caller.reach == Reach::Group,
            )
            .execute(&mut *tx)
            .await?;
        }
        let detail = serde_json::json!({ "dry_run": request.dry_run, "goes_on": goes_on, "size_bytes": run.size_bytes });
        step.record(&mut tx, caller, &run, detail).await?;
    }
    step.end(tx, ctx).await
}

/// Whether a run that may start goes on with rows of which some are written.
fn may_start(run: &Run, dry_run: bool) -> Result<bool> {
    if run.remove_time.is_some() {
        return Err(ImportError::Removed.into());
    }
    if run.size_bytes == 0 {
        return Err(ImportError::Empty.into());
    }
    let refusal = match run.state()? {
        ImportState::Uploading | ImportState::Checked => return Ok(false),
        ImportState::Failed | ImportState::Cancelled if run.step == Step::Undo as i16 => {
            "the run is being taken back: undo it"
        }
        ImportState::Failed | ImportState::Cancelled if !run.has_written() => return Ok(false),
        ImportState::Failed | ImportState::Cancelled if !dry_run => return Ok(true),
        ImportState::Failed | ImportState::Cancelled => {
            "rows of this run are written: go on without dry_run, or undo it"
        }
        ImportState::Checking | ImportState::Applying | ImportState::Undoing => {
            "the run is under way: watch it, or cancel it"
        }
        ImportState::Done | ImportState::Undone | ImportState::Unspecified => {
            "the run is over: bring the file in as a new import"
        }
    };
    Err(ImportError::State(refusal).into())
}
