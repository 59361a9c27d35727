//! One batch of rows: one transaction.

use std::collections::HashMap;

use foursight_kernel::{Error, sql};
use foursight_proto::customer::v1::{CustomerKind, ImportOutcome};
use sqlx::PgConnection;

use crate::{
    customers::tries::{self, Try},
    imports::{run::Run, told::Signs},
};

use super::{
    Stop, Work, guard,
    lines::Line,
    lookup,
    plan::{self, Plan, Planning, Twin},
    read, write, write_changes,
};

const NOT_CONFIRMED: Try = Try { method: "StartImport", reason: "IMPORT_NOT_CONFIRMED" };
/// Of another store's files a run may touch so many that are not its rows', and one more for so many of its rows.
const CLASHES: i64 = 10;
const ROWS_FOR_A_CLASH: i64 = 50;
/// Organizations of one key take turns by so many locks.
const TURNS: i32 = 256;

/// Takes rows. With `given_up`, a single row that somebody else kept us from again and again is a conflict.
///
/// # Errors
/// [`Stop::Clash`] when somebody else writes the same people in this moment: nothing was done then.
pub(super) async fn take(work: &Work, lines: &[Line], given_up: bool) -> Result<(), Stop> {
    let Some(last) = lines.last() else { return Ok(()) };
    let (ctx, now) = (&work.ctx, work.ctx.now());
    let mut tx = ctx.db.begin_as_service().await?;
    // Shorter than Postgres waits before it looks for a ring: whoever stands at a counter is never the one who gives up.
    sqlx::raw_sql("SET LOCAL lock_timeout = '300ms'").execute(&mut *tx).await?;
    let run = guard(&mut tx, &work.run).await?;
    let twins = twins(&mut tx, &run, lines).await?;
    let told = lines.iter().filter_map(|line| line.said.as_ref().ok());
    let told: Vec<_> = told.map(|told| told.signs.clone()).collect();
    if !run.dry_run {
        take_turns(&mut tx, turns(&told)).await?;
    }
    let found = lookup::found(&mut tx, &run, &told).await?;
    let wanted = plan::wanted(lines, &twins, &found);
    let states = lookup::states(&mut tx, &run, &wanted).await?;
    let planning = Planning {
        run: run.clone(),
        ctx: ctx.clone(),
        lines: lines.to_vec(),
        twins,
        found,
        states,
        given_up,
    };
    let plan = tokio::task::spawn_blocking(move || plan::make(planning)).await.map_err(Error::internal)??;
    let done = i64::try_from(lines.len()).map_err(Error::internal)?;
    if !plan.tried.is_empty() && !may_try(&mut tx, &run, &plan, done, work).await? {
        // Its lock on the run goes with it.
        tx.rollback().await?;
        return too_many(work, &plan).await;
    }
    if !run.dry_run {
        write::creates(&mut tx, &plan.creates).await?;
        write_changes::changes(&mut tx, &run, &plan.changes, now).await?;
        write::events(&mut tx, ctx, &run, &plan, now).await?;
    }
    write::outcomes(&mut tx, &run, &plan.outcomes).await?;
    if !plan.tried.is_empty() {
        tries::failed(&mut tx, &run.creator(), NOT_CONFIRMED, run.store(), &plan.tried, now).await?;
    }
    let count = |outcome| plan.outcomes.iter().filter(|row| row.outcome == outcome).count();
    let count = |outcome| i64::try_from(count(outcome)).unwrap_or_default();
    sqlx::query!(
        "UPDATE customer.imports
         SET done_row = $2, done_rows = done_rows + $3, created = created + $4, updated = updated + $5, unchanged = unchanged + $6,
             conflicts = conflicts + $7, errors = errors + $8, clashes = clashes + $9, attempts = 0, version = version + 1,
             update_time = $10
         WHERE id = $1",
        run.id,
        last.number,
        done,
        count(ImportOutcome::Create),
        count(ImportOutcome::Update),
        count(ImportOutcome::Unchanged),
        count(ImportOutcome::Conflict),
        count(ImportOutcome::Error),
        i64::try_from(plan.tried.len()).unwrap_or_default(),
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Rows that another row stands for, or against.
async fn twins(tx: &mut PgConnection, run: &Run, lines: &[Line]) -> Result<HashMap<i64, Twin>, Stop> {
    let numbers: Vec<i64> = lines.iter().map(|line| line.number).collect();
    let rows = sqlx::query!(
        r#"SELECT t.row_number, t.other_row, t.same, r.outcome AS "outcome?", r.customer_id AS "customer_id?", r.reasons AS "reasons?"
           FROM customer.import_twins t
           LEFT JOIN customer.import_rows r ON r.import_id = $1 AND t.same AND r.row_number = t.other_row
           WHERE t.import_id = $1 AND t.row_number = ANY ($2)"#,
        run.id,
        &numbers,
    )
    .fetch_all(tx)
    .await?;
    let twin = |other, same, outcome: Option<i16>, customer, reasons| Twin {
        other,
        same,
        outcome: outcome.and_then(|outcome| ImportOutcome::try_from(i32::from(outcome)).ok()),
        customer,
        reasons,
    };
    let twins = rows.into_iter().map(|row| {
        (row.row_number, twin(row.other_row, row.same, row.outcome, row.customer_id, row.reasons))
    });
    Ok(twins.collect())
}

/// Of the organizations among the rows, in one order, so that nobody waits in a ring.
fn turns(told: &[Signs]) -> Vec<i32> {
    let organizations = told.iter().filter(|signs| signs.kind == CustomerKind::Organization);
    let keys = organizations.flat_map(|it| it.phones.iter().map(|phone| read::organization(&it.name, phone)));
    let number = |key: &[u8]| {
        key.iter().take(4).fold(0_i32, |sum, byte| sum.wrapping_mul(31).wrapping_add(i32::from(*byte)))
    };
    let mut turns: Vec<i32> = keys.map(|key| number(&key).rem_euclid(TURNS)).collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

/// No index keeps two imports from opening the same organization twice.
async fn take_turns(tx: &mut PgConnection, turns: Vec<i32>) -> Result<(), Stop> {
    for turn in turns {
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('imported organizations'), $1)", turn)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Whether the run may tell of so many of another store's files that they are not its rows'.
async fn may_try(
    tx: &mut PgConnection,
    run: &Run,
    plan: &Plan,
    done: i64,
    work: &Work,
) -> Result<bool, Stop> {
    let now = i64::try_from(plan.tried.len()).unwrap_or(i64::MAX);
    let left = tries::left(tx, &run.creator(), work.ctx.now()).await?;
    if run.dry_run {
        return Ok(now <= left);
    }
    Ok(run.clashes + now <= CLASHES + (run.done_rows + done) / ROWS_FOR_A_CLASH)
}

/// Nothing of the batch is done or told; that it was tried is noted.
async fn too_many(work: &Work, plan: &Plan) -> Result<(), Stop> {
    let mut tx = work.ctx.db.begin_as_service().await?;
    let run = guard(&mut tx, &work.run).await?;
    let most = usize::try_from(CLASHES).unwrap_or_default();
    let noted: Vec<_> = plan.tried.iter().take(most).cloned().collect();
    tries::failed(&mut tx, &run.creator(), NOT_CONFIRMED, run.store(), &noted, work.ctx.now()).await?;
    tx.commit().await?;
    let message = "too many rows have a phone or an id number that cannot be taken together with the row's name; wait a quarter of \
                   an hour and start the run again, or let somebody of headquarters start it, who sees all files";
    Err(Stop::Failed("TOO_MANY_TRIES", message.to_owned()))
}
