//! Many rows, many at once, and roles that end in between.

use std::fmt::Write;

use foursight_proto::customer::v1::{ImportState, ListCustomersRequest};
use foursight_testkit::reason;
use futures::future::join_all;

use crate::{
    imports::{counts, import},
    world::{World, creation, person},
};

fn table(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let mut text = "姓名,手机,性别\n".to_owned();
    for number in numbers {
        writeln!(text, "示例{number},138{number:08},女").unwrap();
    }
    text.into_bytes()
}

/// Files, phones, links, keys, and events of their opening.
async fn all(world: &World) -> [i64; 5] {
    let owner = world.stack.owner().await.unwrap();
    let mut counts = [0; 5];
    let told = "customer.outbox WHERE event_type LIKE '%CustomerCreated'";
    let tables = [
        "customer.customers",
        "customer.contact_points",
        "customer.customer_stores",
        "customer.customer_keys",
        told,
    ];
    for (count, table) in counts.iter_mut().zip(tables) {
        let query = format!("SELECT count(*) FROM {table}");
        *count = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&owner).await.unwrap();
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_files_with_the_same_people_at_once_and_desks_beside_them_open_each_file_once() {
    let world = World::start().await;
    let one = world.upload(&world.here, import(world.hangzhou), &table(0..2_500)).await;
    let other = world.upload(&world.headquarters, import(world.hangzhou), &table(500..3_000)).await;
    world.start_import(&world.here, &one, false).await.unwrap();
    world.start_import(&world.headquarters, &other, false).await.unwrap();
    let desks = join_all((0..50).map(async |desk| {
        let mut refused = 0;
        for number in 0..6_u32 {
            let number = (desk * 61 + number * 401) % 3_000;
            let customer = person(world.hangzhou, &format!("示例{number}"), &format!("138{number:08}"));
            match world.customers(&world.here).create_customer(creation(customer)).await {
                Ok(_) => {}
                Err(status) if reason(&status) == "CUSTOMER_EXISTS" => refused += 1,
                Err(status) => panic!("{status:?}"),
            }
        }
        refused
    }));
    let (one, other, _) =
        tokio::join!(world.follow(&world.here, &one), world.follow(&world.headquarters, &other), desks);
    for run in [&one, &other] {
        assert_eq!(run.state(), ImportState::Done, "{run:?}");
        let [created, updated, unchanged, conflicts, errors] = counts(run);
        assert_eq!((conflicts, errors, created + updated + unchanged), (0, 0, 2_500), "{run:?}");
    }
    assert_eq!(all(&world).await, [3_000; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_lost_its_process_goes_on_and_ends_as_if_nothing_had_been() {
    let world = World::start().await;
    let name = world.upload(&world.here, import(world.hangzhou), &table(0..9_000)).await;
    world.start_import(&world.here, &name, false).await.unwrap();
    // Whoever holds the run's connections loses them, again and again: as when the process is killed, nothing is said before.
    let owner = world.stack.owner().await.unwrap();
    let (mut cuts, mut last) = (0, 0);
    loop {
        let run = world.run(&world.here, &name).await;
        let Ok(run) = run else { continue };
        if run.state() == ImportState::Done {
            break;
        }
        assert!(matches!(run.state(), ImportState::Checking | ImportState::Applying), "{run:?}");
        if run.done_rows != last && cuts < 6 {
            (last, cuts) = (run.done_rows, cuts + 1);
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foursight-customer' AND datname = current_database()")
                .execute(&owner)
                .await
                .unwrap();
        }
        tokio::task::yield_now().await;
    }
    assert!(cuts >= 3, "{cuts} cuts");
    let run = world.follow(&world.here, &name).await;
    assert_eq!(counts(&run), [9_000, 0, 0, 0, 0]);
    assert_eq!(all(&world).await, [9_000; 5]);
    let request = ListCustomersRequest { q: "13800008999".to_owned(), ..ListCustomersRequest::default() };
    assert_eq!(
        world.customers(&world.here).list_customers(request).await.unwrap().into_inner().customers.len(),
        1
    );
}
