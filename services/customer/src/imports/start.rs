//! `StartImport`.

use std::mem;

use foursight_access::{Principal, Reach, audit};
use foursight_kernel::{ImportId, Result, Violations, sql};
use foursight_proto::customer::v1::{Import, ImportState, StartImportRequest};
use foursight_runtime::step;

use crate::{
    context::Context,
    customers::tries,
    imports::{
        ImportError, create,
        run::{self, Run, Step},
    },
};

const METHOD: &str = "StartImport";

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
    let id: Option<ImportId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let mapping = create::mapping(&mut v, "mapping", &request.mapping);
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let step_key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let run = run::lock(&mut tx, id).await?;
    if step::is_new(&mut tx, step_key.as_ref(), run.store(), now).await? {
        let goes_on = may_start(&run, request.dry_run)?;
        tries::admit_caller(&mut tx, caller, now).await?;
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
                id.uuid(),
                sql::number(ImportState::Applying),
                sql::at(now) as _,
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
                id.uuid(),
                sql::number(ImportState::Checking),
                request.dry_run,
                Step::Read as i16,
                sealed,
                sql::at(now) as _,
                caller.subject.name(),
                caller.reach == Reach::Group,
            )
            .execute(&mut *tx)
            .await?;
        }
        let action = audit::Action {
            method: METHOD,
            resource: &id.name(),
            store: Some(run.store()),
            detail: serde_json::json!({ "dry_run": request.dry_run, "goes_on": goes_on, "size_bytes": run.size_bytes }),
        };
        audit::record(&mut tx, caller, now, action).await?;
    }
    let import = run::read(&mut tx, id).await?.to_proto(&ctx.keys)?;
    tx.commit().await?;
    Ok(import)
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
