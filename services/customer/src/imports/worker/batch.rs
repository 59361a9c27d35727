//! One batch of rows: one transaction.

use std::collections::HashMap;

use foursight_kernel::{Error, sql};
use foursight_proto::customer::v1::ImportOutcome;
use sqlx::PgConnection;

use crate::{
    bulk::write::column,
    customers::tries::{self, Try},
    imports::{
        kind::{Batch, Kind, Taken},
        outcome::{RowOutcome, Twin},
        run::Run,
    },
};

use super::{Stop, Work, guard, lines::Line};

const NOT_CONFIRMED: Try = Try { method: "StartImport", reason: "IMPORT_NOT_CONFIRMED" };
/// Of another store's files a run may touch so many that are not its rows', and one more for so many of its rows.
const CLASHES: i64 = 10;
const ROWS_FOR_A_CLASH: i64 = 50;

/// Takes rows. With `given_up`, a single row that somebody else kept us from again and again is a conflict.
///
/// # Errors
/// [`Stop::Clash`] when somebody else writes the same people in this moment: nothing was done then.
pub(super) async fn take<K: Kind>(
    kind: K,
    work: &Work,
    lines: &[Line<K::Told>],
    given_up: bool,
) -> Result<(), Stop> {
    let Some(last) = lines.last() else { return Ok(()) };
    let (ctx, now) = (&work.ctx, work.ctx.now());
    let mut tx = ctx.db.begin_as_service().await?;
    // Shorter than Postgres waits before it looks for a ring: whoever stands at a counter is never the one who gives up.
    sqlx::raw_sql("SET LOCAL lock_timeout = '300ms'").execute(&mut *tx).await?;
    let run = guard(&mut tx, &work.run).await?;
    let twins = twins(&mut tx, &run, lines).await?;
    let key = work.key.as_ref();
    let mut batch = Batch { tx: &mut tx, ctx, key, run: &run, lines, twins, given_up, now };
    let taken = kind.take(&mut batch).await?;
    let done = i64::try_from(lines.len()).map_err(Error::internal)?;
    if !taken.tried.is_empty() && !may_try(&mut tx, &run, &taken, done, work).await? {
        // Its lock on the run goes with it.
        tx.rollback().await?;
        return too_many(work, &taken).await;
    }
    outcomes(&mut tx, &run, &taken.outcomes).await?;
    if !taken.tried.is_empty() {
        tries::failed(&mut tx, &run.creator(), NOT_CONFIRMED, run.store(), &taken.tried, now).await?;
    }
    let count = |outcome| taken.outcomes.iter().filter(|row| row.outcome == outcome).count();
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
        i64::try_from(taken.tried.len()).unwrap_or_default(),
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Rows that another row stands for, or against.
async fn twins<T>(tx: &mut PgConnection, run: &Run, lines: &[Line<T>]) -> Result<HashMap<i64, Twin>, Stop> {
    let numbers: Vec<i64> = lines.iter().map(|line| line.number).collect();
    let rows = sqlx::query!(
        r#"SELECT t.row_number, t.other_row, t.same, r.outcome AS "outcome?", r.customer_id AS "customer_id?", r.subject_id AS "subject_id?", r.reasons AS "reasons?"
           FROM customer.import_twins t
           LEFT JOIN customer.import_rows r ON r.import_id = $1 AND t.same AND r.row_number = t.other_row
           WHERE t.import_id = $1 AND t.row_number = ANY ($2)"#,
        run.id,
        &numbers,
    )
    .fetch_all(tx)
    .await?;
    let outcome = |outcome: i16| ImportOutcome::try_from(i32::from(outcome)).ok();
    let twins = rows.into_iter().map(|row| {
        let twin = Twin {
            other: row.other_row,
            same: row.same,
            outcome: row.outcome.and_then(outcome),
            customer: row.customer_id,
            subject: row.subject_id,
            reasons: row.reasons,
        };
        (row.row_number, twin)
    });
    Ok(twins.collect())
}

/// Records what became of the rows.
async fn outcomes(tx: &mut PgConnection, run: &Run, rows: &[RowOutcome]) -> Result<(), Stop> {
    sqlx::query!(
        "INSERT INTO customer.import_rows
             (import_id, row_number, outcome, customer_id, subject_id, reading_id, reasons, version, before)
         SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::jsonb[], $8::bigint[], $9::bytea[])",
        run.id,
        &column(rows, |row| row.number),
        &column(rows, |row| sql::number(row.outcome)),
        &column(rows, |row| row.customer) as _,
        &column(rows, |row| row.subject) as _,
        &column(rows, |row| row.reading) as _,
        &column(rows, |row| row.reasons.clone()) as _,
        &column(rows, |row| row.version) as _,
        &column(rows, |row| row.before.clone()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether the run may tell of so many of another store's files that they are not its rows'.
async fn may_try(
    tx: &mut PgConnection,
    run: &Run,
    taken: &Taken,
    done: i64,
    work: &Work,
) -> Result<bool, Stop> {
    let now = i64::try_from(taken.tried.len()).unwrap_or(i64::MAX);
    let left = tries::left(tx, &run.creator(), work.ctx.now()).await?;
    if run.dry_run {
        return Ok(now <= left);
    }
    Ok(run.clashes + now <= CLASHES + (run.done_rows + done) / ROWS_FOR_A_CLASH)
}

/// Nothing of the batch is done or told; that it was tried is noted.
async fn too_many(work: &Work, taken: &Taken) -> Result<(), Stop> {
    let mut tx = work.ctx.db.begin_as_service().await?;
    let run = guard(&mut tx, &work.run).await?;
    let most = usize::try_from(CLASHES).unwrap_or_default();
    let noted: Vec<_> = taken.tried.iter().take(most).cloned().collect();
    tries::failed(&mut tx, &run.creator(), NOT_CONFIRMED, run.store(), &noted, work.ctx.now()).await?;
    tx.commit().await?;
    let message = "too many rows have a phone or an id number that cannot be taken together with the row's name; wait a quarter of \
                   an hour and start the run again, or let somebody of headquarters start it, who sees all files";
    Err(Stop::Failed("TOO_MANY_TRIES", message.to_owned()))
}
