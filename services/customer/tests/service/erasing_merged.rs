//! Who was merged is erased as one, and who was merged and parted again leaves nothing with the other.

use foursight_proto::customer::{
    events::v1::{CustomerErased, CustomersUnmerged, LeadCreated},
    v1::{MergeCustomersRequest, UndoMergeRequest},
};
use foursight_testkit::refusal;

use crate::{
    erasures::{EMAIL, NAME, dump},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn who_was_merged_is_erased_as_one() {
    let world = World::start().await;
    let director = world.director();
    let customer = world.somebody().await;
    let other = world.open(&world.here, world.hangzhou, "忘川事例", "13800008802").await;
    let request = MergeCustomersRequest {
        name: customer.name.clone(),
        other: other.name.clone(),
        store: world.hangzhou.name(),
        reason: "忘川本人来过".to_owned(),
        ..MergeCustomersRequest::default()
    };
    let merge = world.merges(&world.here).merge_customers(request).await.unwrap().into_inner();
    world.stack.settled().await.unwrap();
    let part = world.preview(&director, &other.name).await;
    assert_eq!(refusal(part).1, "CUSTOMER_NOT_FOUND", "nobody is erased in parts");
    world.erase(&director, &customer.name).await;
    world.stack.settled().await.unwrap();

    let told = world.stack.told::<CustomerErased>().await.unwrap();
    assert_eq!(told[0].absorbed, std::slice::from_ref(&other.name));
    let owner = world.stack.owner().await.unwrap();
    for said in [NAME, "忘川", EMAIL] {
        let left: Vec<_> = dump(&owner).await.into_iter().filter(|(_, row)| row.contains(said)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let keys: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.customer_keys").fetch_one(&owner).await.unwrap();
    assert_eq!(keys, 0, "neither file's key is left");
    let undo =
        UndoMergeRequest { name: merge.name, store: world.hangzhou.name(), reason: "两个人".to_owned() };
    let headquarters = &world.headquarters;
    assert_eq!(refusal(world.merges(headquarters).undo_merge(undo).await).1, "MERGE_FINAL");
    assert_eq!(refusal(world.file(&world.here, &other.name).await).1, "CUSTOMER_NOT_FOUND");
    // What is told late of the file that was absorbed does not bring the customer back.
    let late = LeadCreated { customer: other.name, store: world.hangzhou.name(), ..LeadCreated::default() };
    world.stack.tell(&late, world.stack.ids.uuid(), 1, Some(world.hangzhou)).await.unwrap();
    world.stack.settled().await.unwrap();
    let entries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.timeline_entries").fetch_one(&owner).await.unwrap();
    assert_eq!(entries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_that_was_undone_the_other_file_tells_no_more() {
    let world = World::start().await;
    let director = world.director();
    let kept = world.open(&world.here, world.hangzhou, "王小明", "13800008803").await.name;
    let gone = world.open(&world.here, world.hangzhou, "王小明", "13800008804").await.name;
    let merge = world.merge(&world.here, &kept, &gone).await.unwrap();
    world.stack.settled().await.unwrap();
    world.unmerge(&world.here, &merge.name).await.unwrap();
    world.stack.settled().await.unwrap();
    assert!(world.kinds_on_timeline(&world.here, &kept).await.contains(&"CUSTOMERS_UNMERGED".to_owned()));
    world.erase(&director, &gone).await;
    let left = async || {
        let told = format!("%{}%", &gone[10..]);
        let owner = world.stack.owner().await.unwrap();
        let left = sqlx::query_scalar("SELECT kind FROM customer.timeline_entries t WHERE t::text LIKE $1")
            .bind(told);
        left.fetch_all(&owner).await.unwrap() as Vec<String>
    };
    assert_eq!(left().await, Vec::<String>::new());
    // Nor when it is told late.
    let told = world.stack.told::<CustomersUnmerged>().await.unwrap().remove(0);
    world.stack.tell(&told, world.stack.ids.uuid(), 1, Some(world.hangzhou)).await.unwrap();
    world.stack.settled().await.unwrap();
    assert_eq!(left().await, Vec::<String>::new());
    assert!(world.file(&world.here, &kept).await.is_ok());
}
