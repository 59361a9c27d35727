//! The worker that looks, once a night, with whom nothing has happened for long.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, Ids, Result, SharedClock, sql, time};
use foursight_messaging::{NewEvent, outbox, outbox::PastEvent};
use foursight_proto::customer::{
    events::v1::StageMoved,
    v1::{LifeCycleStage, StageChangeCause},
};
use foursight_runtime::{Database, Tick, Worker};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rule::{StageRule, StageRuleAt, Standing};
use crate::{segments::keep, store_days};

const LOOK_EVERY: Duration = Duration::from_mins(10);
/// Not twice in a night.
const APART: SignedDuration = SignedDuration::from_hours(12);
/// Files in one transaction: all that move are told in it, and nobody else writes segments' rows meanwhile.
const BATCH: i64 = 1_000;

/// Moves stages. It can be stopped anywhere: how far it is stands in the database.
pub(crate) struct Pass {
    db: Database,
    clock: SharedClock,
    ids: Ids,
    rule: StageRule,
}

/// A file, and what the rule asks of it.
struct File {
    id: Uuid,
    stage: i16,
    version: i64,
    owner: bool,
    last: sql::Timestamp,
}

/// A file whose stage is another one now.
struct Moved {
    id: Uuid,
    previous: LifeCycleStage,
    stage: LifeCycleStage,
    version: i64,
    last: Timestamp,
}

impl Pass {
    /// The worker.
    pub(crate) fn worker(db: Database, clock: SharedClock, ids: Ids, rule: StageRule) -> Worker {
        Worker::new("stages", LOOK_EVERY, Arc::new(Self { db, clock, ids, rule }))
    }

    /// Whether a look is under way; in the night one is begun.
    async fn under_way(&self, now: Timestamp) -> Result<bool> {
        let mut tx = self.db.begin_as_service().await?;
        let row =
            sqlx::query!("SELECT start_time, finish_time FROM customer.stage_pass WHERE one FOR UPDATE")
                .fetch_one(&mut *tx)
                .await?;
        if row.start_time.is_some() && row.finish_time.is_none() {
            return Ok(true);
        }
        let again = row.start_time.is_none_or(|start| now.duration_since(start.to_jiff()) > APART);
        if !store_days::is_night(now) || !again {
            return Ok(false);
        }
        sqlx::query!(
            "UPDATE customer.stage_pass
             SET start_time = $1, finish_time = NULL, last_id = '00000000-0000-0000-0000-000000000000', looked = 0, moved = 0
             WHERE one",
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Looks at the next files; answers whether there may be more.
    async fn batch(&self, now: Timestamp) -> Result<bool> {
        let rule = self.rule.at(now);
        let mut tx = self.db.begin_as_service().await?;
        let ids = sqlx::query_scalar!(
            "SELECT c.id FROM customer.customers c
             WHERE c.id > (SELECT last_id FROM customer.stage_pass WHERE one) AND c.merged_into IS NULL
             ORDER BY c.id LIMIT $1",
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = ids.last() else {
            self.finish(&mut tx, now).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let due: Vec<Uuid> = files(&mut tx, &ids).await?.iter().filter_map(|it| due(&rule, it)).collect();
        let moved =
            if due.is_empty() { Vec::new() } else { self.move_files(&mut tx, &rule, &due, now).await? };
        sqlx::query!(
            "UPDATE customer.stage_pass SET last_id = $1, looked = looked + $2, moved = moved + $3 WHERE one",
            last,
            i64::try_from(ids.len()).unwrap_or_default(),
            i64::try_from(moved.len()).unwrap_or_default(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Moves those of the files that are due still once they are locked. One that somebody is working on is left: the next night looks again.
    async fn move_files(
        &self,
        tx: &mut PgConnection,
        rule: &StageRuleAt,
        due: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<Moved>> {
        keep::take_turn(tx).await?;
        let free = sqlx::query_scalar!(
            "SELECT id FROM customer.customers WHERE id = ANY ($1) AND merged_into IS NULL
             ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            due,
        )
        .fetch_all(&mut *tx)
        .await?;
        let files = files(tx, &free).await?;
        let moved: Vec<Moved> =
            files.iter().filter_map(|it| moved(rule, it).transpose()).collect::<Result<_>>()?;
        // The file's time of change stays: nothing happened with the customer, which is what retention asks for.
        sqlx::query!(
            "WITH moved AS (
                 SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[])
                     AS m (change_id, id, previous_stage, stage)
             ), written AS (
                 UPDATE customer.customers c SET stage = m.stage, version = c.version + 1 FROM moved m WHERE c.id = m.id
             )
             INSERT INTO customer.stage_corrections (id, customer_id, previous_stage, stage, cause, reason, correct_time)
             SELECT m.change_id, m.id, m.previous_stage, m.stage, $5, '', $6 FROM moved m",
            &moved.iter().map(|_| self.ids.uuid()).collect::<Vec<_>>(),
            &moved.iter().map(|it| it.id).collect::<Vec<_>>(),
            &moved.iter().map(|it| sql::number(it.previous)).collect::<Vec<_>>(),
            &moved.iter().map(|it| sql::number(it.stage)).collect::<Vec<_>>(),
            sql::number(StageChangeCause::TimeRule),
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?;
        keep::refresh(tx, &moved.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
        let told: Vec<PastEvent> = moved.iter().map(|it| self.event(it, now)).collect();
        if !told.is_empty() {
            outbox::append_all(tx, told).await?;
        }
        Ok(moved)
    }

    fn event(&self, it: &Moved, now: Timestamp) -> PastEvent {
        let told = StageMoved {
            customer: CustomerId::from(it.id).name(),
            stage: it.stage.into(),
            previous_stage: it.previous.into(),
            last_dealing_time: Some(time::to_proto(it.last)),
        };
        let event = NewEvent::new(&told, it.id, it.version + 1, None);
        PastEvent { id: self.ids.uuid(), at: now, event }
    }

    /// Notes that all files were looked at, and how many moved.
    async fn finish(&self, tx: &mut PgConnection, now: Timestamp) -> Result<()> {
        // An id is kept no longer than it is needed.
        let done = sqlx::query!(
            "UPDATE customer.stage_pass SET finish_time = $1, last_id = '00000000-0000-0000-0000-000000000000'
             WHERE one RETURNING looked, moved",
            sql::at(now) as _,
        )
        .fetch_one(&mut *tx)
        .await?;
        tracing::info!(files = done.looked, moved = done.moved, "stages are what time makes of them");
        if done.moved == 0 {
            return Ok(());
        }
        let action = audit::Action {
            method: "MoveStages",
            resource: "customers",
            store: None,
            detail: json!({ "files": done.looked, "moved": done.moved }),
        };
        audit::record(tx, &Principal::service("customer"), now, action).await
    }
}

fn standing(it: &File) -> Result<Standing> {
    let stage = LifeCycleStage::try_from(i32::from(it.stage)).map_err(Error::internal)?;
    Ok(Standing { stage, owner: it.owner, last: it.last.to_jiff() })
}

fn due(rule: &StageRuleAt, it: &File) -> Option<Uuid> {
    standing(it).is_ok_and(|standing| rule.moved(standing).is_some()).then_some(it.id)
}

fn moved(rule: &StageRuleAt, it: &File) -> Result<Option<Moved>> {
    let standing = standing(it)?;
    Ok(rule.moved(standing).map(|stage| Moved {
        id: it.id,
        previous: standing.stage,
        stage,
        version: it.version,
        last: standing.last,
    }))
}

/// What the rule asks of these files: each part is a short range of an index. A file without any dealing is as old as itself.
async fn files(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<File>> {
    let files = sqlx::query_as!(
        File,
        r#"SELECT c.id, c.stage, c.version,
                  (visit.last IS NOT NULL OR delivery.last IS NOT NULL OR c.stage IN (3, 4)
                   OR EXISTS (SELECT FROM customer.vehicle_ownerships o WHERE o.customer_id = c.id)) AS "owner!",
                  coalesce(greatest(visit.last, delivery.last, lead.last, reception.last, correction.last), c.create_time)
                      AS "last!: sql::Timestamp"
           FROM customer.customers c
           CROSS JOIN LATERAL (
               SELECT max(greatest(v.check_in_time, v.hand_over_time)) AS last FROM customer.visits v WHERE v.customer_id = c.id
           ) visit
           CROSS JOIN LATERAL (
               SELECT max(d.deliver_time) AS last FROM customer.deliveries d WHERE d.customer_id = c.id
           ) delivery
           CROSS JOIN LATERAL (
               SELECT max(l.update_time) AS last FROM customer.leads l WHERE l.customer_id = c.id
           ) lead
           CROSS JOIN LATERAL (
               SELECT max(r.create_time) AS last FROM customer.receptions r WHERE r.customer_id = c.id
           ) reception
           CROSS JOIN LATERAL (
               SELECT max(s.correct_time) AS last FROM customer.stage_corrections s
               WHERE s.customer_id = c.id AND s.cause = 1
           ) correction
           WHERE c.id = ANY ($1) ORDER BY c.id"#,
        ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(files)
}

#[async_trait]
impl Tick for Pass {
    async fn tick(&self) -> Result<()> {
        let now = self.clock.now();
        if !self.under_way(now).await? {
            return Ok(());
        }
        while self.batch(now).await? {}
        Ok(())
    }
}
