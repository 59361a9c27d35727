//! A batch of rows of customers: looked up, decided, written.

use foursight_kernel::Error;
use foursight_proto::customer::v1::CustomerKind;
use sqlx::PgConnection;

use crate::imports::{
    kind::{Batch, Taken},
    worker::Stop,
};

use super::{
    lookup,
    plan::{self, Planning},
    signs,
    told::{Signs, Told},
    write, write_changes,
};

/// Organizations of one key take turns by so many locks.
const TURNS: i32 = 256;

/// Takes these rows.
pub(super) async fn take(batch: &mut Batch<'_, Told>) -> Result<Taken, Stop> {
    let (run, ctx) = (batch.run, batch.ctx);
    let told = batch.lines.iter().filter_map(|line| line.said.as_ref().ok());
    let told: Vec<_> = told.map(|told| told.signs.clone()).collect();
    if !run.dry_run {
        take_turns(batch.tx, turns(&told)).await?;
    }
    let found = lookup::found(batch.tx, run, &told).await?;
    let wanted = plan::wanted(batch.lines, &batch.twins, &found);
    let states = lookup::states(batch.tx, run, &wanted).await?;
    let planning = Planning {
        run: run.clone(),
        ctx: ctx.clone(),
        lines: batch.lines.to_vec(),
        twins: std::mem::take(&mut batch.twins),
        found,
        states,
        given_up: batch.given_up,
    };
    let plan = tokio::task::spawn_blocking(move || plan::make(planning)).await.map_err(Error::internal)??;
    if !run.dry_run {
        write::creates(batch.tx, &plan.creates).await?;
        write_changes::changes(batch.tx, run, &plan.changes, batch.now).await?;
        write::events(batch.tx, ctx, run, &plan, batch.now).await?;
    }
    Ok(Taken { outcomes: plan.outcomes, tried: plan.tried })
}

/// Of the organizations among the rows, in one order, so that nobody waits in a ring.
fn turns(told: &[Signs]) -> Vec<i32> {
    let organizations = told.iter().filter(|signs| signs.kind == CustomerKind::Organization);
    let keys =
        organizations.flat_map(|it| it.phones.iter().map(|phone| signs::organization(&it.name, phone)));
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
