//! A long history: each entry once, page by page, of some kinds or of all.

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{ListTimelineEntriesRequest, TimelineEntry};

use crate::world::World;

/// All pages of a history, and how many they were.
async fn all(world: &World, request: ListTimelineEntriesRequest) -> (Vec<TimelineEntry>, usize) {
    let (mut found, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = ListTimelineEntriesRequest { page_token, ..request.clone() };
        let list = world.customers(&world.here).list_timeline_entries(request).await.unwrap().into_inner();
        pages += 1;
        found.extend(list.timeline_entries);
        page_token = list.next_page_token;
        if page_token.is_empty() {
            return (found, pages);
        }
    }
}

#[tokio::test]
async fn a_history_of_ten_thousand_entries_is_read_to_its_end_whatever_is_wanted_of_it() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    world.stack.settled().await.unwrap();
    let owner = world.stack.owner().await.unwrap();
    // Every 3,000th is a case, and many are of one instant.
    sqlx::query(
        "INSERT INTO customer.timeline_entries (customer_id, event_id, kind, resource, store_id, occur_time, place, details)
         SELECT $1, gen_random_uuid(), CASE WHEN n % 3000 = 0 THEN 'CASE_OPENED' ELSE 'MESSAGE_SENT' END, 'x', $2,
                timestamptz '2020-01-01Z' + interval '1 minute' * (n / 7), n % 3, '{}'
         FROM generate_series(1, 10000) n",
    )
    .bind(CustomerId::parse_name(&file).unwrap().uuid())
    .bind(world.hangzhou.uuid())
    .execute(&owner)
    .await
    .unwrap();

    let whole = ListTimelineEntriesRequest { parent: file, page_size: 200, ..Default::default() };
    let (entries, pages) = all(&world, whole.clone()).await;
    assert_eq!((entries.len(), pages), (10_001, 51));
    let time = |entry: &TimelineEntry| entry.occur_time.map(|time| (time.seconds, time.nanos));
    assert!(entries.is_sorted_by(|newer, older| time(newer) >= time(older)));
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10_001);

    let wanted = |entry: &&TimelineEntry| entry.kind != "MESSAGE_SENT";
    let expected: Vec<TimelineEntry> = entries.iter().filter(wanted).cloned().collect();
    let kinds = vec!["CASE_OPENED".to_owned(), "CUSTOMER_CREATED".to_owned()];
    let (rare, pages) = all(&world, ListTimelineEntriesRequest { kinds, ..whole.clone() }).await;
    assert_eq!((rare, pages), (expected, 6));
    let kinds = vec!["CLOCK_BREACHED".to_owned()];
    assert_eq!(all(&world, ListTimelineEntriesRequest { kinds, ..whole }).await, (Vec::new(), 6));
}
