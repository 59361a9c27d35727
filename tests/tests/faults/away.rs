//! Servers that are away for a while: what can go on goes on, what cannot says when to come again, and afterwards everything
//! has arrived.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, until};

/// How long NATS is away; `FOURSIGHT_NATS_AWAY_S` says otherwise.
fn nats_away() -> Result<Duration> {
    let seconds = std::env::var("FOURSIGHT_NATS_AWAY_S").map_or(Ok(3), |seconds| seconds.parse())?;
    Ok(Duration::from_secs(seconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_away_writes_go_on_and_effects_follow() -> Result<()> {
    let world = World::after(2).await?;

    world.servers.local.kill_nats().await?;
    let began = Instant::now();
    while began.elapsed() < nats_away()? {
        world.seller.sell().await.context("a sale while NATS is away")?;
    }
    let waiting = world.ledger.outboxes("published_at IS NULL").await?;
    ensure!(waiting > 0, "events were published to nobody");
    world.servers.local.start_nats().await?;
    world.sell(2).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_comes_and_goes_while_events_flow_loses_none() -> Result<()> {
    let world = World::start().await?;
    let selling = tokio::spawn({
        let seller = world.seller.clone();
        async move {
            for _ in 0..40 {
                seller.sell().await?;
            }
            anyhow::Ok(())
        }
    });
    let mut round = 0;
    while !selling.is_finished() {
        // Some events went through since the last time.
        let before = world.ledger.outboxes("published_at IS NOT NULL").await?;
        until("an event goes through", async || {
            Ok(selling.is_finished() || world.ledger.outboxes("published_at IS NOT NULL").await? > before)
        })
        .await?;
        if round % 2 == 0 {
            world.servers.local.kill_nats().await?;
        } else {
            world.servers.local.stop_nats().await?;
        }
        world.servers.local.start_nats().await?;
        round += 1;
    }
    selling.await??;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_writes_are_told_when_to_come_again() -> Result<()> {
    let world = World::start().await?;
    world.sell(1).await?;
    // They are in the middle of something when it goes, and they do not give up.
    let selling = (0..3).map(|_| {
        let seller = world.seller.clone();
        tokio::spawn(async move {
            for _ in 0..6 {
                seller.sell().await?;
            }
            anyhow::Ok(())
        })
    });
    let selling: Vec<_> = selling.collect();
    world.until("SELECT count(*) > 6 FROM customer.receptions").await?;

    world.servers.local.stop_postgres().await?;
    let walk_in = json!({ "store": world.seller.store, "kind": "RECEPTION_KIND_WALK_IN" });
    let answer = world.seller.ask("receptions", Uuid::from_u128(rand::random()), &walk_in).await?;
    let answer = answer.context("the gateway does not answer without Postgres")?;
    ensure!(answer.status == StatusCode::SERVICE_UNAVAILABLE, "{}: {}", answer.status, answer.body);
    ensure!(answer.retry_after.is_some(), "nobody says when to come again: {}", answer.body);
    ensure!(answer.body["reason"] == "DATABASE_AWAY", "{}", answer.body);
    world.servers.local.start_postgres().await?;

    for selling in selling {
        selling.await??;
    }
    // Once more, in a breath, while effects are under way.
    world.servers.local.restart_postgres().await?;
    world.sell(1).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_is_killed_again_and_again_takes_no_effect_back_for_good() -> Result<()> {
    let world = World::start().await?;
    // Test servers promise nothing that a kill could break. From here on a commit that waits has reached the operating system,
    // as it has reached the disk of a real server, and one that does not wait can be lost.
    world.run("ALTER SYSTEM SET synchronous_commit = on").await?;
    world.run("SELECT pg_reload_conf()").await?;
    let selling = (0..3).map(|_| {
        let seller = world.seller.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                seller.sell().await?;
            }
            anyhow::Ok(())
        })
    });
    let selling: Vec<_> = selling.collect();
    while !selling.iter().all(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(rand::random_range(100..600))).await;
        world.servers.local.kill_postgres().await?;
        world.servers.local.start_postgres().await?;
    }
    for selling in selling {
        selling.await??;
    }
    world.run("ALTER SYSTEM RESET synchronous_commit").await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_everything_goes_on() -> Result<()> {
    let world = World::start().await?;
    world.sell(1).await?;
    world.servers.local.kill_redis().await?;
    world.sell(3).await.context("a sale while Redis is away")?;
    world.servers.local.start_redis().await?;
    world.sell(1).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}
