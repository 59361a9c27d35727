//! The worker that ranks: where tiers begin, and whose tier is not what the value says any more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::{CustomerId, Error, Ids, Result, SharedClock, sql};
use foursight_messaging::{NewEvent, outbox, outbox::PastEvent};
use foursight_proto::customer::{events::v1::ValueTierChanged, v1::ValueTier};
use foursight_runtime::{Database, Tick, Worker};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    segments::keep,
    value::{
        amount,
        rule::{Bounds, ValueRule},
    },
};

/// How often it is looked whose value has changed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long it is good where tiers begin, unless few are ranked, who are ranked anew each time.
const BOUNDS_HOLD: SignedDuration = SignedDuration::from_hours(1);
const FEW: i64 = 10_000;
/// Customers in one transaction.
const BATCH: i64 = 500;

/// Gives customers the tiers of their values. It can be stopped anywhere: what is to be done is told by the values themselves.
pub(crate) struct Ranker {
    db: Database,
    clock: SharedClock,
    ids: Ids,
    rule: ValueRule,
}

/// A customer whose tier is another one.
struct Moved {
    id: Uuid,
    value_fen: i64,
    value_tier: i16,
    decided_tier: Option<i16>,
    version: i64,
}

impl Ranker {
    /// The worker.
    pub(crate) fn worker(db: Database, clock: SharedClock, ids: Ids, rule: ValueRule) -> Worker {
        Worker::new("value-tiers", LOOK_EVERY, Arc::new(Self { db, clock, ids, rule }))
    }

    /// Counts a batch anew of which something has become too old to count; answers how many it was.
    async fn expire(&self, now: Timestamp) -> Result<usize> {
        let mut tx = self.db.begin_as_service().await?;
        keep::take_turn(&mut tx).await?;
        let ids = sqlx::query_scalar!(
            "SELECT customer_id FROM customer.customer_values WHERE counted_until <= $1
             ORDER BY counted_until LIMIT $2",
            sql::at(now) as _,
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        amount::count(&mut tx, self.rule, &ids, now).await?;
        keep::refresh(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(ids.len())
    }

    /// Counts all anew: the rule is another one.
    async fn count_all(&self, now: Timestamp) -> Result<()> {
        let mut after = Uuid::nil();
        loop {
            let mut tx = self.db.begin_as_service().await?;
            keep::take_turn(&mut tx).await?;
            let ids = sqlx::query_scalar!(
                "SELECT customer_id FROM customer.customer_values WHERE customer_id > $1 ORDER BY customer_id LIMIT $2",
                after,
                BATCH,
            )
            .fetch_all(&mut *tx)
            .await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            amount::count(&mut tx, self.rule, &ids, now).await?;
            keep::refresh(&mut tx, &ids).await?;
            tx.commit().await?;
        }
    }

    /// Where tiers begin, looked at anew when that is due.
    async fn bounds(&self, now: Timestamp) -> Result<Bounds> {
        let mut tx = self.db.begin_as_service().await?;
        let known = sqlx::query!(
            r#"SELECT above_a, above_b, customers, rule, make_time AS "make_time: sql::Timestamp" FROM customer.value_bounds"#
        )
        .fetch_optional(&mut *tx)
        .await?;
        let rule = self.rule.mark();
        if let Some(known) = &known {
            let fresh = now.duration_since(known.make_time.to_jiff()) < BOUNDS_HOLD;
            if known.rule == rule && known.customers >= FEW && fresh {
                return Ok(Bounds { above_a: known.above_a, above_b: known.above_b });
            }
        }
        if known.is_some_and(|known| known.rule != rule) {
            self.count_all(now).await?;
        }
        let customers = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM customer.customer_values WHERE value_fen > 0"#
        )
        .fetch_one(&mut *tx)
        .await?;
        let (places_a, places_b) = self.rule.places(customers);
        let bounds = Bounds {
            above_a: value_after(&mut tx, places_a).await?,
            above_b: value_after(&mut tx, places_b).await?,
        };
        sqlx::query!(
            "INSERT INTO customer.value_bounds AS b (above_a, above_b, customers, rule, make_time)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (one) DO UPDATE
             SET above_a = excluded.above_a, above_b = excluded.above_b, customers = excluded.customers,
                 rule = excluded.rule, make_time = excluded.make_time
             WHERE excluded.customers >= $6
                OR (b.above_a, b.above_b, b.customers, b.rule)
                    IS DISTINCT FROM (excluded.above_a, excluded.above_b, excluded.customers, excluded.rule)",
            bounds.above_a,
            bounds.above_b,
            customers,
            rule,
            sql::at(now) as _,
            FEW,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(bounds)
    }

    /// Moves a batch of customers into the tiers of their values; answers how many it was. One whose file somebody is working on is left for
    /// the next round.
    async fn move_batch(&self, bounds: Bounds, now: Timestamp) -> Result<usize> {
        let mut tx = self.db.begin_as_service().await?;
        let moved = take(&mut tx, bounds).await?;
        let tiers: Vec<ValueTier> = moved.iter().map(|it| bounds.tier(it.value_fen)).collect();
        sqlx::query!(
            "WITH counted AS (
                 UPDATE customer.customer_values v SET computed_tier = t.tier, version = v.version + 1
                 FROM unnest($1::uuid[], $2::smallint[]) AS t (id, tier) WHERE v.customer_id = t.id
             )
             UPDATE customer.customers c SET value_tier = t.tier
             FROM unnest($1::uuid[], $2::smallint[], $3::boolean[]) AS t (id, tier, decided)
             WHERE c.id = t.id AND NOT t.decided AND c.value_tier <> t.tier",
            &moved.iter().map(|it| it.id).collect::<Vec<_>>(),
            &tiers.iter().map(|tier| sql::number(*tier)).collect::<Vec<_>>(),
            &moved.iter().map(|it| it.decided_tier.is_some()).collect::<Vec<_>>(),
        )
        .execute(&mut *tx)
        .await?;
        let undecided = moved.iter().zip(&tiers).filter(|(it, _)| it.decided_tier.is_none());
        let told = undecided.map(|(it, tier)| self.event(it, *tier, now)).collect::<Result<Vec<_>>>()?;
        if !told.is_empty() {
            outbox::append_all(&mut tx, told).await?;
        }
        tx.commit().await?;
        Ok(moved.len())
    }

    fn event(&self, it: &Moved, tier: ValueTier, now: Timestamp) -> Result<PastEvent> {
        let previous = ValueTier::try_from(i32::from(it.value_tier)).map_err(Error::internal)?;
        let changed = ValueTierChanged {
            customer: CustomerId::from(it.id).name(),
            store: String::new(),
            value_tier: tier.into(),
            previous_tier: previous.into(),
            decided: false,
        };
        let event = NewEvent::new(&changed, it.id, it.version + 1, None);
        Ok(PastEvent { id: self.ids.uuid(), at: now, event })
    }
}

/// The value that so many are ranked before; 0 where there is none.
async fn value_after(tx: &mut PgConnection, places: i64) -> Result<i64> {
    let value = sqlx::query_scalar!(
        "SELECT value_fen FROM customer.customer_values WHERE value_fen > 0 ORDER BY value_fen DESC OFFSET $1 LIMIT 1",
        places,
    )
    .fetch_optional(tx)
    .await?;
    Ok(value.unwrap_or(0))
}

/// Customers whose tier is not what their value says, locked. Each part is a range of the index by tier and value.
async fn take(tx: &mut PgConnection, bounds: Bounds) -> Result<Vec<Moved>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT wrong.customer_id AS "id!" FROM (
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 0 AND value_fen > 0
               UNION ALL
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 1 AND value_fen <= $1
               UNION ALL
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 2 AND value_fen > $1
               UNION ALL
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 2 AND value_fen <= $2
               UNION ALL
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 3 AND value_fen > $2
               UNION ALL
               SELECT customer_id FROM customer.customer_values WHERE computed_tier = 3 AND value_fen <= 0
           ) wrong LIMIT $3"#,
        bounds.above_a,
        bounds.above_b,
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    let free = sqlx::query_scalar!(
        "SELECT id FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        &ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    let moved = sqlx::query_as!(
        Moved,
        "SELECT c.id, v.value_fen, c.value_tier, v.decided_tier, v.version
         FROM customer.customer_values v JOIN customer.customers c ON c.id = v.customer_id
         WHERE v.customer_id = ANY ($1) ORDER BY v.customer_id FOR NO KEY UPDATE OF v",
        &free,
    )
    .fetch_all(tx)
    .await?;
    Ok(moved)
}

#[async_trait]
impl Tick for Ranker {
    async fn tick(&self) -> Result<()> {
        let now = self.clock.now();
        while self.expire(now).await? > 0 {}
        let bounds = self.bounds(now).await?;
        while self.move_batch(bounds, now).await? > 0 {}
        Ok(())
    }
}
