//! Lists and the one search box.

use foursight_kernel::StoreId;
use foursight_proto::customer::v1::{Customer, Delivery, ListCustomersRequest, ListVehiclesRequest};
use foursight_testkit::{Caller, wrong_fields};
use jiff::SignedDuration;

use crate::world::{World, creation, delivery, person};

async fn found(world: &World, caller: &Caller, q: &str) -> Vec<String> {
    world.stack.settled().await.unwrap();
    let request = ListCustomersRequest { q: q.to_owned(), ..ListCustomersRequest::default() };
    let list = world.customers(caller).list_customers(request).await.unwrap().into_inner();
    list.customers.into_iter().map(|customer| customer.display_name).collect()
}

#[tokio::test]
async fn a_customer_is_found_by_whatever_the_counter_knows() {
    let world = World::start().await;
    let one = Customer {
        national_id: "11010519491231002X".to_owned(),
        ..person(world.hangzhou, "王示例", "13800001234")
    };
    let one = world.customers(&world.here).create_customer(creation(one)).await.unwrap().into_inner();
    world.open(&world.here, world.hangzhou, "李示例", "13900001234").await;
    let car = Delivery {
        plate: "浙A·12345".to_owned(),
        ..delivery(&one.name, world.hangzhou, "LDEMA00000X042788")
    };
    let car = world.deliver(&world.here, car).await.unwrap();

    for q in ["138 0000 1234", "11010519491231002x", "浙a12345", &car.vin, "042788", "王", "王示例"] {
        assert_eq!(found(&world, &world.here, q).await, ["王示例"], "{q}");
        assert_eq!(found(&world, &world.headquarters, q).await, ["王示例"], "{q}");
        assert!(found(&world, &world.there, q).await.is_empty(), "{q}");
    }
    assert_eq!(found(&world, &world.here, "1234").await.len(), 2);
    assert_eq!(found(&world, &world.here, "示例").await.len(), 2);
    assert!(found(&world, &world.here, "示王").await.is_empty());

    let vehicles = |request: ListVehiclesRequest| {
        let mut client = world.vehicles(&world.here);
        async move { client.list_vehicles(request).await.map(|list| list.into_inner().vehicles) }
    };
    let by_customer = ListVehiclesRequest { customer: one.name.clone(), ..ListVehiclesRequest::default() };
    let by_plate = ListVehiclesRequest { plate: "浙A12345".to_owned(), ..ListVehiclesRequest::default() };
    let by_vin = ListVehiclesRequest { vin: car.vin.clone(), ..ListVehiclesRequest::default() };
    for request in [by_customer, by_plate, by_vin] {
        let list = vehicles(request).await.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].owner.as_str(), list[0].plate.as_str()), (one.name.as_str(), "浙A12345"));
    }
    assert_eq!(wrong_fields(vehicles(ListVehiclesRequest::default()).await), ["customer"]);
}

async fn pages(world: &World, caller: &Caller, store: Option<StoreId>) -> Vec<String> {
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListCustomersRequest {
            store: store.map_or_else(String::new, StoreId::name),
            page_size: 2,
            page_token: token,
            ..ListCustomersRequest::default()
        };
        let list = world.customers(caller).list_customers(request).await.unwrap().into_inner();
        names.extend(list.customers.into_iter().map(|customer| customer.display_name));
        token = list.next_page_token;
        if token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn a_list_is_paged_newest_first_within_the_caller_s_stores() {
    let world = World::start().await;
    for number in 0..5 {
        world.stack.clock.advance(SignedDuration::from_secs(1));
        world
            .open(&world.here, world.hangzhou, &format!("杭州{number}"), &format!("1380000000{number}"))
            .await;
        world.stack.clock.advance(SignedDuration::from_secs(1));
        world
            .open(&world.there, world.suzhou, &format!("苏州{number}"), &format!("1390000000{number}"))
            .await;
    }
    assert_eq!(pages(&world, &world.here, None).await, ["杭州4", "杭州3", "杭州2", "杭州1", "杭州0"]);
    assert_eq!(pages(&world, &world.headquarters, Some(world.suzhou)).await.len(), 5);
    let all = pages(&world, &world.headquarters, None).await;
    assert_eq!((all.len(), all[0].as_str(), all[9].as_str()), (10, "苏州4", "杭州0"));
}

#[tokio::test]
async fn who_works_at_two_stores_sees_a_shared_customer_once() {
    let world = World::start().await;
    let both = world
        .stack
        .staff(&[foursight_proto::identity::v1::Role::CrManager], &[world.hangzhou, world.suzhou])
        .unwrap();
    world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    world.open(&world.there, world.suzhou, "示例二", "13900005678").await;
    assert_eq!(pages(&world, &both, None).await, ["示例二", "示例一"]);
    assert_eq!(pages(&world, &world.here, None).await, ["示例一"]);
}
