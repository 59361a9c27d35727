//! The measures are made again from the events, and come out the same.

use std::time::Duration;

use foursight_analytics::{AnalyticsRole, rebuild};
use foursight_kernel::{Clock, StoreId, time::to_proto};
use foursight_proto::analytics::v1::MeasuresRebuild;
use foursight_runtime::Database;
use foursight_testkit::Stack;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use crate::measures::{asked, history, tell, under_way};

#[tokio::test]
async fn rebuilt_measures_are_the_same_as_before() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let events = history().new_tree(&mut TestRunner::deterministic()).unwrap().current();
    for event in &events {
        tell(&stack, event).await;
    }
    stack.settled().await.unwrap();
    let mut stores: Vec<StoreId> = events.iter().map(|event| event.store).collect();
    stores.sort();
    stores.dedup();
    let before = asked(&stack, &stores).await;
    assert!(before.len() > 100, "the history is too thin: {}", before.len());

    let database = Database::of(&stack.settings, "analytics").unwrap();
    let refused = rebuild(&database, stack.bus(), stack.clock.now()).await.unwrap_err();
    assert_eq!(refused.reason(), "ANALYTICS_RUNS");
    assert_eq!(asked(&stack, &stores).await, before, "nothing was forgotten");
    assert_eq!(under_way(&stack, &stores).await, None);

    // What a mistake in the tables would be.
    let (owner, bus, began) = (stack.owner().await.unwrap(), stack.bus().clone(), stack.clock.now());
    let spoilt = "UPDATE analytics.visits SET hand_over_time = NULL, completed_version = NULL;
        DELETE FROM analytics.deliveries; UPDATE analytics.stores SET time_zone = 'UTC'";
    sqlx::raw_sql(spoilt).execute(&owner).await.unwrap();
    assert_ne!(asked(&stack, &stores).await, before);
    let missing = stack.ids.uuid();
    let facts = "SELECT (SELECT count(*) FROM analytics.visits) + (SELECT count(*) FROM analytics.inbox)";
    let stack = stack
        .restart_after(async || {
            // Postgres takes a moment to see that a connection is gone.
            let until_it_stands_still = async {
                loop {
                    match rebuild(&database, &bus, began).await {
                        Err(error) if error.reason() == "ANALYTICS_RUNS" => tokio::task::yield_now().await,
                        heard => return heard,
                    }
                }
            };
            let heard = tokio::time::timeout(Duration::from_secs(30), until_it_stands_still).await??;
            assert!(heard > 100, "{heard}");
            let left: i64 = sqlx::query_scalar(facts).fetch_one(&owner).await?;
            assert_eq!(left, 0);
            // Again, as after one that was broken off.
            assert_eq!(rebuild(&database, &bus, began + Duration::from_hours(1)).await?, 0);
            // One that cannot be heard again: as long as it is missing, the figures are not what they were.
            sqlx::query("INSERT INTO analytics.rebuild_events VALUES ($1)")
                .bind(missing)
                .execute(&owner)
                .await?;
            Ok(())
        })
        .await
        .unwrap();
    let told = under_way(&stack, &stores).await.unwrap();
    assert_eq!(told.begin_time, Some(to_proto(began)));
    assert!(told.remaining_events > 0);
    stack.settled().await.unwrap();
    until_told(&stack, &stores, |told| told.is_some_and(|told| told.remaining_events == 1)).await;
    assert_eq!(asked(&stack, &stores).await, before);

    let heard = "INSERT INTO analytics.inbox (consumer, event_id) VALUES ('analytics_facts', $1)";
    sqlx::query(heard).bind(missing).execute(&owner).await.unwrap();
    until_told(&stack, &stores, |told| told.is_none()).await;
    assert_eq!(asked(&stack, &stores).await, before);
}

/// Lets the worker look until what is told of the rebuild is as wanted.
async fn until_told(stack: &Stack, stores: &[StoreId], wanted: impl Fn(Option<MeasuresRebuild>) -> bool) {
    let told = async {
        while !wanted(under_way(stack, stores).await) {
            // It may be at it already.
            stack.running.round("analytics", "rebuild").await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
}
