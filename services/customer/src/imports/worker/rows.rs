//! The third step: the rows are taken, batch by batch; or, in a dry run, it is said what would become of them.

use std::time::Duration;

use foursight_kernel::sql;

use crate::imports::{kind::Kind, run::Step};

use super::{
    Stop, Work, batch, guard,
    lines::{Given, Line, lines},
};

/// So often a batch is tried before it is taken apart, and a row alone before it is given up.
const TRIES: u32 = 3;
const TRIES_ALONE: u32 = 40;

/// Takes all rows.
pub(in crate::imports) async fn rows<K: Kind>(kind: K, work: &Work) -> Result<(), Stop> {
    let mut given = lines(kind, work, work.run.done_row).await?;
    while let Some(given) = given.recv().await {
        if let Given::Lines(lines) = given? {
            take(kind, work, &lines).await?;
        }
    }
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    sqlx::query!("DELETE FROM customer.import_twins WHERE import_id = $1", work.run.id)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "UPDATE customer.imports SET step = $2, attempts = 0, version = version + 1, update_time = $3 WHERE id = $1",
        work.run.id,
        Step::Report as i16,
        sql::at(work.ctx.now()) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Takes these rows, in their order. Where somebody else writes the same people, the batch is tried again, then taken apart.
async fn take<K: Kind>(kind: K, work: &Work, lines: &[Line<K::Told>]) -> Result<(), Stop> {
    let mut waiting = vec![lines];
    while let Some(lines) = waiting.pop() {
        let most = if lines.len() > 1 { TRIES } else { TRIES_ALONE };
        let mut tried = 0;
        loop {
            tried += 1;
            match batch::take(kind, work, lines, lines.len() == 1 && tried == most).await {
                Err(Stop::Clash) if tried < most => pause(work, tried).await,
                Err(Stop::Clash) if lines.len() > 1 => {
                    let (first, second) = lines.split_at(lines.len() / 2);
                    waiting.extend([second, first]);
                    break;
                }
                taken => {
                    taken?;
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Longer each time, and never as long as another run pauses.
async fn pause(work: &Work, tried: u32) {
    let by_chance = u64::from(work.ctx.ids.uuid().as_bytes()[15]);
    tokio::time::sleep(Duration::from_millis((20 << tried.min(5)) + by_chance / 2)).await;
}
