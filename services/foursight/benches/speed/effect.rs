//! From the commit of a change in one service to the commit of its effect in another, at a steady rate, while every role
//! runs. Both instants are Postgres' own: it remembers when each transaction committed.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use foursight::roles;
use foursight_kernel::{Clock, CustomerId, Ids, StoreId, SystemClock, VehicleId, VisitId, time};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::customer::{events::v1::VisitStarted, v1::VisitKind};
use foursight_runtime::{Database, Start, telemetry::Telemetry};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use uuid::Uuid;

use crate::{load::Seen, report::Report, stack::Stack};

/// Changes a second.
const RATE: u32 = 500;

pub(crate) async fn measure(stack: &Stack, span: Duration, report: &mut Report) -> Result<()> {
    eprintln!("· {RATE} events a second, to their effects");
    let ids = Ids::new(Arc::new(SystemClock));
    let settings = stack.prepared.settings.clone();
    let telemetry = Telemetry::start(&settings.telemetry, "bench")?;
    let running = Start::new(settings, telemetry.metrics.clone()).run(&roles::all()).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stack.settled().await?;

    let database = running.database("customer").context("the customer service does not run")?;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut changes = JoinSet::new();
    let warm_up = RATE as usize;
    for _ in 0..u64::from(RATE) * span.as_secs() + warm_up as u64 {
        tick.tick().await;
        changes.spawn(change(database.clone(), ids.clone()));
    }
    let mut made: Vec<(Uuid, i64)> = Vec::new();
    while let Some(change) = changes.join_next().await {
        made.push(change??);
    }
    stack.settled().await?;
    let (events, transactions): (Vec<Uuid>, Vec<i64>) = made.into_iter().skip(warm_up).unzip();
    let took: Vec<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM pg_xact_commit_timestamp(i.xmin)
                                 - pg_xact_commit_timestamp(c.transaction::text::xid))::float8 * 1000
         FROM unnest($1::uuid[], $2::bigint[]) AS c (event, transaction)
         JOIN analytics.inbox i ON i.event_id = c.event AND i.consumer = 'analytics_facts'",
    )
    .bind(&events)
    .bind(&transactions)
    .fetch_all(&stack.owner)
    .await?;
    anyhow::ensure!(took.len() == events.len(), "{} of {} events had their effect", took.len(), events.len());
    running.stop().await;
    telemetry.end();

    let seen = Seen::new(took, span)?;
    report.alone(format!("event to effect at {RATE} a second: p50"), seen.quantile(0.5), "ms", "< 10");
    report.alone(format!("event to effect at {RATE} a second: p99"), seen.quantile(0.99), "ms", "< 60");
    Ok(())
}

/// Commits a change with its event, as a service does. Returns the event and the transaction.
async fn change(database: Database, ids: Ids) -> Result<(Uuid, i64)> {
    let now = SystemClock.now();
    let visit: VisitId = ids.next();
    let store: StoreId = ids.next();
    let started = VisitStarted {
        visit: visit.name(),
        customer: ids.next::<CustomerId>().name(),
        store: store.name(),
        vehicle: ids.next::<VehicleId>().name(),
        kind: VisitKind::Maintenance.into(),
        odometer_km: 5_000,
        check_in_time: Some(time::to_proto(now)),
        imported: false,
    };
    let mut tx = database.begin_as_service().await?;
    let event = NewEvent::new(&started, visit.uuid(), 1, Some(store));
    let event = outbox::append(&mut tx, &ids, now, event).await?;
    let transaction =
        sqlx::query_scalar("SELECT pg_current_xact_id()::text::bigint").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok((event, transaction))
}
