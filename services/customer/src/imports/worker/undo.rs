//! Taking back what a run did, last row first.

use std::time::Duration;

use foursight_kernel::sql;
use foursight_messaging::outbox::PastEvent;
use foursight_proto::customer::v1::ImportState;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    bulk::write::column,
    imports::{
        kind::{Kind, SetBack},
        outcome::{Undone, Written},
        run::Run,
    },
};

use super::{Stop, Work, guard};

/// Rows in a transaction.
const BATCH: i64 = 1_000;
const TRIES: u32 = 40;

/// Takes back all rows.
pub(in crate::imports) async fn undo<K: Kind>(kind: K, work: &Work) -> Result<(), Stop> {
    let mut tried = 0;
    loop {
        match batch(kind, work).await {
            Ok(true) => tried = 0,
            Ok(false) => return Ok(()),
            Err(Stop::Clash) if tried < TRIES => {
                tried += 1;
                tokio::time::sleep(Duration::from_millis(20 << tried.min(5))).await;
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// Whether there are more.
async fn batch<K: Kind>(kind: K, work: &Work) -> Result<bool, Stop> {
    let (ctx, now) = (&work.ctx, work.ctx.now());
    let mut tx = ctx.db.begin_as_service().await?;
    sqlx::raw_sql("SET LOCAL lock_timeout = '300ms'").execute(&mut *tx).await?;
    let run = guard(&mut tx, &work.run).await?;
    let rows = sqlx::query_as!(
        Written,
        "SELECT row_number, outcome, customer_id, subject_id, reading_id, version, before FROM customer.import_rows
         WHERE import_id = $1 AND row_number < $2 AND outcome IN (1, 2) AND undone IS DISTINCT FROM true
         ORDER BY row_number DESC LIMIT $3",
        run.id,
        run.done_row,
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    let Some(last) = rows.last().map(|row| row.row_number) else {
        work.finish(&mut tx, ImportState::Undone).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let mut back = SetBack { tx: &mut tx, ctx, key: work.key.as_ref(), run: &run, events: Vec::new() };
    let undone = kind.set_back(&mut back, &rows).await?;
    let events = back.events;
    let events = events.into_iter().map(|event| PastEvent { id: ctx.ids.uuid(), at: now, event }).collect();
    foursight_messaging::outbox::append_all(&mut tx, events).await?;
    note(&mut tx, &run, &undone, last, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn note(
    tx: &mut PgConnection,
    run: &Run,
    undone: &[Undone],
    last: i64,
    now: Timestamp,
) -> Result<(), Stop> {
    let reasons = |row: &Undone| row.1.err().and_then(|kept| serde_json::to_value([kept.reason()]).ok());
    sqlx::query!(
        "UPDATE customer.import_rows r SET undone = n.undone, reasons = coalesce(n.reasons, r.reasons)
         FROM unnest($2::bigint[], $3::boolean[], $4::jsonb[]) AS n (row_number, undone, reasons)
         WHERE r.import_id = $1 AND r.row_number = n.row_number",
        run.id,
        &column(undone, |row| row.0),
        &column(undone, |row| row.1.is_ok()),
        &column(undone, reasons) as _,
    )
    .execute(&mut *tx)
    .await?;
    let count = |is_undone: bool| undone.iter().filter(|row| row.1.is_ok() == is_undone).count();
    let count = |is_undone: bool| i64::try_from(count(is_undone)).unwrap_or_default();
    sqlx::query!(
        "UPDATE customer.imports
         SET done_row = $2, done_rows = done_rows + $3, undone = undone + $4, kept = kept + $5, attempts = 0, version = version + 1,
             update_time = $6
         WHERE id = $1",
        run.id,
        last,
        count(true) + count(false),
        count(true),
        count(false),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
