//! The measures are made again from the events, and come out the same.

use std::time::Duration;

use foursight_analytics::{AnalyticsRole, rebuild};
use foursight_kernel::StoreId;
use foursight_runtime::Database;
use foursight_testkit::Stack;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use secrecy::ExposeSecret;

use crate::measures::{asked, history, tell};

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

    let url = stack.settings.service("analytics").database_url.unwrap();
    let database = Database::connect(url.expose_secret(), "analytics", &stack.settings.database).unwrap();
    let refused = rebuild(&database, stack.bus()).await.unwrap_err();
    assert_eq!(refused.reason(), "ANALYTICS_RUNS");
    assert_eq!(asked(&stack, &stores).await, before, "nothing was forgotten");

    // What a mistake in the tables would be.
    let (owner, bus) = (stack.owner().await.unwrap(), stack.bus().clone());
    let spoilt = "UPDATE analytics.visits SET hand_over_time = NULL, completed_version = NULL;
        DELETE FROM analytics.deliveries; UPDATE analytics.stores SET time_zone = 'UTC'";
    sqlx::raw_sql(spoilt).execute(&owner).await.unwrap();
    assert_ne!(asked(&stack, &stores).await, before);
    let facts = "SELECT (SELECT count(*) FROM analytics.visits) + (SELECT count(*) FROM analytics.inbox)";
    let stack = stack
        .restart_after(async || {
            // Postgres takes a moment to see that a connection is gone.
            let until_it_stands_still = async {
                loop {
                    match rebuild(&database, &bus).await {
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
            assert_eq!(rebuild(&database, &bus).await?, 0);
            Ok(())
        })
        .await
        .unwrap();
    stack.settled().await.unwrap();
    assert_eq!(asked(&stack, &stores).await, before);
}
