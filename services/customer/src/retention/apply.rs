//! Applies the rules, once a night.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_access::{Principal, audit};
use foursight_kernel::{Result, sql};
use foursight_proto::customer::v1::RetentionKind;
use foursight_runtime::{Tick, Worker};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{RuleRow, due};
use crate::{context::Context, erasures, store_days};

/// How often it is looked whether it is night.
const LOOK_EVERY: Duration = Duration::from_mins(10);
/// Not twice in a night.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(12);
/// Customers in one look.
const BATCH: i64 = 100;

struct Apply(Context);

/// The worker.
pub(crate) fn worker(ctx: &Context) -> Worker {
    Worker::new("retention", LOOK_EVERY, Arc::new(Apply(ctx.clone())))
}

#[async_trait]
impl Tick for Apply {
    async fn tick(&self) -> Result<()> {
        let now = self.0.now();
        if !store_days::is_night(now) {
            return Ok(());
        }
        let mut tx = self.0.db.begin_as_service().await?;
        let rules = sqlx::query_as!(
            RuleRow,
            "SELECT kind, keep_months, update_time, staff_id, apply_time FROM customer.retention_rules
             WHERE keep_months > 0 AND (apply_time IS NULL OR apply_time < $1) ORDER BY kind",
            sql::at(now - AGAIN_AFTER) as _,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;
        for rule in rules {
            let kind = RetentionKind::try_from(i32::from(rule.kind)).unwrap_or(RetentionKind::Unspecified);
            let before = due::before(now, rule.keep_months);
            let gone = match kind {
                RetentionKind::Prospects => self.erase(before).await?,
                _ => 0,
            };
            self.finish(kind, before, now, gone).await?;
        }
        Ok(())
    }
}

impl Apply {
    /// Erases customers, each in a transaction of its own; answers how many. Who has something that stands against it is left.
    async fn erase(&self, before: Timestamp) -> Result<u64> {
        let ctx = &self.0;
        let caller = Principal::service("customer");
        let mut gone = 0;
        loop {
            let mut tx = ctx.db.begin_list(&caller).await?;
            let customers = due::customers(&mut tx, before, BATCH).await?;
            tx.rollback().await?;
            let mut some = 0;
            for customer in customers {
                if erasures::erase_when_due(ctx, customer, before).await? {
                    some += 1;
                }
            }
            gone += some;
            // Those that are left stand in the way of nobody: the next night looks again.
            if some == 0 {
                return Ok(gone);
            }
        }
    }

    /// Blanks what is too old, and notes that the rule was applied, with how many rows it took.
    async fn finish(
        &self,
        kind: RetentionKind,
        before: Timestamp,
        now: Timestamp,
        erased: u64,
    ) -> Result<()> {
        let mut tx = self.0.db.begin_list(&Principal::service("customer")).await?;
        let gone = erased + due::blank(&mut tx, kind, before).await?;
        sqlx::query!(
            "UPDATE customer.retention_rules SET apply_time = $2 WHERE kind = $1",
            sql::number(kind),
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let action = audit::Action {
            method: "ApplyRetentionRule",
            resource: "retentionRules",
            store: None,
            detail: json!({ "kind": kind.as_str_name(), "before": before.to_string(), "rows": gone }),
        };
        audit::record(&mut tx, &Principal::service("customer"), now, action).await?;
        tx.commit().await
    }
}
