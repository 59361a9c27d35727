//! The worker that carries runs out.
//!
//! There are [`SLOTS`] of it. A slot is one process' at a time (its worker's lock dies with the process), and a run that was taken
//! up belongs to a slot: whoever has the slot next goes on with the run where its row says. Each taking up counts (`epoch`), and
//! every transaction of a run asks whether the run is still ours ([`guard`]); so one that was believed dead writes nothing any more.

mod batch;
pub(super) mod compare;
mod expire;
pub(super) mod lines;
pub(super) mod read;
mod report;
pub(super) mod rows;
mod stop;
pub(super) mod undo;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_access::audit;
use foursight_kernel::{Error, Result, sql};
use foursight_proto::customer::v1::ImportState;
use foursight_runtime::{Tick, Worker};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::sealing::DataKey,
    imports::{
        ImportError, kind,
        run::{self, Run, Step},
    },
};
pub(super) use stop::Stop;

/// Runs that are under way at once, in the whole group: enough that a small one does not wait for a large one, and few enough that
/// desks do not notice.
const SLOTS: [&str; 2] = ["imports-1", "imports-2"];
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A run that is taken up so often and never comes further has a fault that nobody knows of.
const MOST_ATTEMPTS: i16 = 20;

/// The workers: one for each slot, and one that removes old bytes.
pub(crate) fn workers(ctx: &Context) -> Vec<Worker> {
    let slot = |(number, name)| Worker::new(name, LOOK_EVERY, Arc::new(Slot { ctx: ctx.clone(), number }));
    (1..).zip(SLOTS).map(slot).chain([expire::worker(ctx)]).collect()
}

struct Slot {
    ctx: Context,
    number: i16,
}

#[async_trait]
impl Tick for Slot {
    async fn tick(&self) -> Result<()> {
        while let Some(run) = self.claim().await? {
            let key = Arc::new(run.key(&self.ctx.keys)?);
            Box::pin(Work { ctx: self.ctx.clone(), run, key }.carry_out()).await?;
        }
        Ok(())
    }
}

impl Slot {
    /// The run that this slot has, or the oldest that none has.
    async fn claim(&self) -> Result<Option<Run>> {
        let mut tx = self.ctx.db.begin_as_service().await?;
        let claimed = sqlx::query_as!(
            Run,
            "UPDATE customer.imports SET slot = $1, epoch = epoch + 1, attempts = attempts + 1
             WHERE id = (
                 SELECT id FROM customer.imports WHERE state IN (2, 3, 8) AND (slot IS NULL OR slot = $1)
                 ORDER BY slot NULLS LAST, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
             RETURNING *",
            self.number,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(claimed)
    }
}

/// A run that was taken up.
pub(super) struct Work {
    ctx: Context,
    /// As it was when the step began.
    run: Run,
    key: Arc<DataKey>,
}

impl Work {
    /// Takes step after step, until the run is over, stopped or somebody else's.
    async fn carry_out(mut self) -> Result<()> {
        if self.run.attempts > MOST_ATTEMPTS {
            let message =
                "something went wrong here again and again; what was written stays, and can be undone"
                    .to_owned();
            return self.fail("INTERNAL", message).await;
        }
        let kind = kind::of_number(self.run.kind)?;
        loop {
            let taken = match Step::of(self.run.step)? {
                Step::Read => kind.read_through(&self).await,
                Step::Compare => kind.compare_rows(&self).await,
                Step::Rows => kind.take_rows(&self).await,
                Step::Report => report::report(&self).await,
                Step::Undo => kind.undo_rows(&self).await,
            };
            match taken {
                Ok(()) => {}
                Err(Stop::Halted) => return Ok(()),
                Err(Stop::Failed(reason, message)) => return self.fail(reason, message).await,
                Err(Stop::Clash) => {
                    return Err(Error::internal(
                        "an import was stopped by a clash that it should have solved",
                    ));
                }
                Err(Stop::Other(error)) => return Err(error),
            }
            let mut tx = self.ctx.db.begin_as_service().await?;
            let now = run::read(&mut tx, self.run.id()).await?;
            if now.epoch != self.run.epoch || !is_under_way(&now)? {
                return Ok(());
            }
            self.run = now;
        }
    }

    /// Ends the run; what was written stays.
    async fn fail(&self, reason: &'static str, message: String) -> Result<()> {
        let message: String = message.chars().take(1000).collect();
        let mut tx = self.ctx.db.begin_as_service().await?;
        let run = match guard(&mut tx, &self.run).await {
            Ok(run) => run,
            Err(Stop::Other(error)) => return Err(error),
            Err(_) => return Ok(()),
        };
        let now = self.ctx.now();
        sqlx::query!(
            "UPDATE customer.imports
             SET state = $2, slot = NULL, failure = $3, failure_message = $4, finish_time = $5, version = version + 1, update_time = $5
             WHERE id = $1",
            run.id,
            sql::number(ImportState::Failed),
            reason,
            message,
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        self.record(&mut tx, &run, "FailImport", json!({ "reason": reason, "done_rows": run.done_rows }))
            .await?;
        tx.commit().await
    }

    /// Ends the run as it should end.
    async fn finish(&self, tx: &mut PgConnection, state: ImportState) -> Result<()> {
        let now = self.ctx.now();
        sqlx::query!(
            "UPDATE customer.imports SET state = $2, slot = NULL, finish_time = $3, version = version + 1, update_time = $3
             WHERE id = $1",
            self.run.id,
            sql::number(state),
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let run = run::read(&mut *tx, self.run.id()).await?;
        let (method, detail) = match state {
            ImportState::Undone => ("FinishUndoImport", json!({ "undone": run.undone, "kept": run.kept })),
            _ => (
                "FinishImport",
                json!({
                    "dry_run": run.dry_run, "created": run.created, "updated": run.updated, "unchanged": run.unchanged,
                    "conflicts": run.conflicts, "errors": run.errors,
                }),
            ),
        };
        self.record(tx, &run, method, detail).await
    }

    async fn record(
        &self,
        tx: &mut PgConnection,
        run: &Run,
        method: &'static str,
        detail: serde_json::Value,
    ) -> Result<()> {
        let action = audit::Action { method, resource: &run.id().name(), store: Some(run.store()), detail };
        audit::record(tx, &run.creator(), self.ctx.now(), action).await
    }
}

fn is_under_way(run: &Run) -> Result<bool> {
    Ok(matches!(run.state()?, ImportState::Checking | ImportState::Applying | ImportState::Undoing))
}

/// The run as it is now, locked until the transaction ends.
///
/// # Errors
/// [`Stop::Halted`] when somebody stopped it, or has taken it over.
async fn guard(tx: &mut PgConnection, run: &Run) -> Result<Run, Stop> {
    let now = run::lock(tx, run.id()).await.map_err(|error| {
        if error.reason() == Error::from(ImportError::NotFound).reason() {
            Stop::Halted
        } else {
            Stop::from(error)
        }
    })?;
    if now.epoch != run.epoch || now.state != run.state || now.step != run.step {
        return Err(Stop::Halted);
    }
    Ok(now)
}

/// Lets Postgres choose for statements over all rows of a run what it may not choose for others.
async fn plan_freely(tx: &mut PgConnection) -> Result<(), Stop> {
    let statement = "SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on; \
                     SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";
    sqlx::raw_sql(statement).execute(tx).await?;
    Ok(())
}
