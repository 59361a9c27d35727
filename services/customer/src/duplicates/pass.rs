//! The worker that looks for pairs: among new files each minute, and through all of them each night.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_kernel::{DuplicateId, Ids, Result, SharedClock, sql};
use foursight_runtime::{Database, Tick, Worker};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    customers::first_id,
    duplicates::{
        gather::{self, STEPS},
        near::near,
        score::{LIKELY, Signs},
        traits,
    },
    store_days,
};

const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Files that are new since the last round and are looked at in this one; what is beyond comes in the next rounds, and at night at last.
const NEW_AT_ONCE: i64 = 2_000;
/// Ids are in the order of time, by the clocks of several machines, and of one instant in none: after this long no smaller one comes.
const SETTLED: SignedDuration = SignedDuration::from_secs(10);
/// Pairs in one transaction.
const BATCH: i64 = 1_000;
/// A look through all begins once a night.
const APART: SignedDuration = SignedDuration::from_hours(12);

/// Finds pairs. It can be stopped anywhere: how far it is stands in the database.
pub(crate) struct Pass {
    db: Database,
    clock: SharedClock,
    ids: Ids,
}

/// Two files and what they have in common.
type Pair = ((Uuid, Uuid), Option<Signs>);

impl Pass {
    /// The worker.
    pub(crate) fn worker(db: Database, clock: SharedClock, ids: Ids) -> Worker {
        Worker::new("duplicates", LOOK_EVERY, Arc::new(Self { db, clock, ids }))
    }

    /// Looks at files that came since the last round.
    async fn new_files(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.db.begin_as_service().await?;
        let files = sqlx::query_scalar!(
            "SELECT c.id FROM customer.customers c
             WHERE c.id > (SELECT last_id FROM customer.duplicate_pass WHERE one) AND c.id < $2 AND c.merged_into IS NULL
             ORDER BY c.id LIMIT $1",
            NEW_AT_ONCE,
            first_id(now.checked_sub(SETTLED).unwrap_or(now)),
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = files.last() else { return Ok(()) };
        let all = traits::load(&mut tx, &files).await?;
        let mut pairs: Vec<Pair> = Vec::new();
        for (id, own) in &all {
            let others: Vec<Uuid> =
                near(&mut tx, own).await?.into_iter().filter(|other| other != id).collect();
            for (other, its) in traits::load(&mut tx, &others).await? {
                pairs.push(((other.min(*id), other.max(*id)), own.compare(&its)));
            }
        }
        pairs.sort_unstable_by_key(|(pair, _)| *pair);
        pairs.dedup_by_key(|(pair, _)| *pair);
        self.write(&mut tx, &pairs).await?;
        sqlx::query!("UPDATE customer.duplicate_pass SET last_id = $1 WHERE one", last)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// Whether all files are to be looked through now; and which steps are done of a look that is under way.
    async fn under_way(&self, now: Timestamp) -> Result<Option<i16>> {
        let mut tx = self.db.begin_as_service().await?;
        let row = sqlx::query!(
            "SELECT start_time, finish_time, steps FROM customer.duplicate_pass WHERE one FOR UPDATE"
        )
        .fetch_one(&mut *tx)
        .await?;
        if row.start_time.is_some() && row.finish_time.is_none() {
            return Ok(Some(row.steps));
        }
        let due = row
            .start_time
            .is_none_or(|start| store_days::is_night(now) && now.duration_since(start.to_jiff()) > APART);
        if !due {
            return Ok(None);
        }
        sqlx::query!(
            "UPDATE customer.duplicate_pass SET start_time = $1, finish_time = NULL, steps = 0, compared = 0, likely = 0 WHERE one",
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(0))
    }

    async fn all_files(&self) -> Result<()> {
        let Some(done) = self.under_way(self.clock.now()).await? else { return Ok(()) };
        for step in done..STEPS {
            let mut tx = self.db.begin_as_service().await?;
            gather::gather(&mut tx, step).await?;
            sqlx::query!("UPDATE customer.duplicate_pass SET steps = $1 WHERE one", step + 1)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            tracing::info!(step = step + 1, of = STEPS, "pairs of files are gathered");
        }
        while self.compare().await? {}
        let mut tx = self.db.begin_as_service().await?;
        sqlx::query!(
            "UPDATE customer.duplicate_pass SET finish_time = $1 WHERE one",
            sql::at(self.clock.now()) as _
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Compares a batch; answers whether there may be more.
    async fn compare(&self) -> Result<bool> {
        let mut tx = self.db.begin_as_service().await?;
        let work = sqlx::query!(
            "DELETE FROM customer.duplicate_work w
             USING (SELECT low_id, high_id FROM customer.duplicate_work ORDER BY low_id, high_id LIMIT $1) next
             WHERE w.low_id = next.low_id AND w.high_id = next.high_id
             RETURNING w.low_id, w.high_id",
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        if work.is_empty() {
            return Ok(false);
        }
        let ids: BTreeSet<Uuid> = work.iter().flat_map(|pair| [pair.low_id, pair.high_id]).collect();
        let files = traits::load(&mut tx, &ids.into_iter().collect::<Vec<_>>()).await?;
        let signs = |low: &Uuid, high: &Uuid| files.get(low)?.compare(files.get(high)?);
        let pairs: Vec<Pair> = work
            .iter()
            .map(|pair| ((pair.low_id, pair.high_id), signs(&pair.low_id, &pair.high_id)))
            .collect();
        let likely = self.write(&mut tx, &pairs).await?;
        sqlx::query!(
            "UPDATE customer.duplicate_pass SET compared = compared + $1, likely = likely + $2 WHERE one",
            i64::try_from(pairs.len()).unwrap_or_default(),
            likely,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps what is likely to be decided, and takes back what is so no more; what people have decided stays. Answers how many are likely.
    async fn write(&self, tx: &mut PgConnection, pairs: &[Pair]) -> Result<i64> {
        let (mut likely, mut unlikely) = (Vec::new(), Vec::new());
        for ((low, high), signs) in pairs {
            match signs {
                Some(signs) if signs.probability() >= LIKELY => likely.push((*low, *high, *signs)),
                _ => unlikely.push((*low, *high)),
            }
        }
        let (low, high): (Vec<Uuid>, Vec<Uuid>) = unlikely.into_iter().unzip();
        sqlx::query!(
            "DELETE FROM customer.duplicates d USING unnest($1::uuid[], $2::uuid[]) AS u (low_id, high_id)
             WHERE d.low_id = u.low_id AND d.high_id = u.high_id AND d.state = 1",
            &low,
            &high,
        )
        .execute(&mut *tx)
        .await?;
        let ids: Vec<Uuid> = likely.iter().map(|_| self.ids.next::<DuplicateId>().uuid()).collect();
        // As text: Postgres has no arrays of arrays of different lengths.
        let numbers = |signs: &Signs| -> String {
            let numbers: Vec<String> =
                signs.told().into_iter().map(|sign| i32::from(sign).to_string()).collect();
            format!("{{{}}}", numbers.join(","))
        };
        sqlx::query!(
            "INSERT INTO customer.duplicates AS d (id, low_id, high_id, probability, signs, state, find_time)
             SELECT l.id, l.low_id, l.high_id, l.probability, l.signs::smallint[], 1, $6
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::double precision[], $5::text[])
                  AS l (id, low_id, high_id, probability, signs)
             ON CONFLICT (low_id, high_id) DO UPDATE SET probability = excluded.probability, signs = excluded.signs
             WHERE d.state = 1",
            &ids,
            &likely.iter().map(|pair| pair.0).collect::<Vec<_>>(),
            &likely.iter().map(|pair| pair.1).collect::<Vec<_>>(),
            &likely.iter().map(|pair| pair.2.probability()).collect::<Vec<_>>(),
            &likely.iter().map(|pair| numbers(&pair.2)).collect::<Vec<_>>(),
            sql::at(self.clock.now()) as _,
        )
        .execute(tx)
        .await?;
        Ok(i64::try_from(likely.len()).unwrap_or_default())
    }
}

#[async_trait]
impl Tick for Pass {
    async fn tick(&self) -> Result<()> {
        self.new_files(self.clock.now()).await?;
        self.all_files().await
    }
}
