//! The one search box, filters and pages.

use std::collections::BTreeSet;

use foursight_kernel::{Clock, StoreId, time};
use foursight_proto::{
    customer::v1::{Customer, LifeCycleStage, ListCustomersRequest, ListCustomersResponse, SourceChannel},
    identity::v1::Role,
};
use foursight_testkit::{Caller, wrong_fields};
use jiff::SignedDuration;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use tonic::Status;

use crate::world::{World, creation, delivery, lead, person};

/// Asked when names are found that were told before.
async fn page(
    world: &World,
    caller: &Caller,
    request: ListCustomersRequest,
) -> Result<ListCustomersResponse, Status> {
    world.stack.settled().await.unwrap();
    Ok(world.customers(caller).list_customers(request).await?.into_inner())
}

async fn rename(world: &World, file: &Customer, name: &str) {
    let renamed = Customer { display_name: name.to_owned(), ..Customer::default() };
    world.update(&world.here, &file.name, renamed, &["display_name"]).await.unwrap();
}

/// All pages of a list.
async fn all(world: &World, caller: &Caller, request: ListCustomersRequest) -> Vec<Customer> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCustomersRequest { page_token, ..request.clone() };
        let list = page(world, caller, request).await.unwrap();
        found.extend(list.customers);
        page_token = list.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

fn search(q: &str) -> ListCustomersRequest {
    ListCustomersRequest { q: q.to_owned(), page_size: 2, ..ListCustomersRequest::default() }
}

fn names(found: &[Customer]) -> Vec<&str> {
    found.iter().map(|customer| customer.display_name.as_str()).collect()
}

async fn found(world: &World, caller: &Caller, q: &str) -> Vec<String> {
    names(&all(world, caller, search(q)).await).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_chinese_name_is_found_by_its_parts_its_pinyin_and_its_initials() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "单小明", "13800001234").await;
    world.open(&world.here, world.hangzhou, "王小红", "13800001235").await;
    for q in ["单", "小明", "明", "shanxiao", "Shàn xiǎo míng", "dan", "sxm", "dxm", "ＳＸ"] {
        assert_eq!(found(&world, &world.here, q).await, ["单小明"], "{q}");
        assert_eq!(found(&world, &world.headquarters, q).await, ["单小明"], "{q}");
        assert!(found(&world, &world.there, q).await.is_empty(), "{q}");
    }
    assert_eq!(found(&world, &world.here, "小").await.len(), 2);
    // Whoever comes to serve finds the file, too.
    world.receive(&world.there, world.suzhou, person(world.suzhou, "单小明", "13800001234")).await;
    assert_eq!(found(&world, &world.there, "sxm").await, ["单小明"]);
    let both = world.stack.staff(&[Role::CrManager], &[world.hangzhou, world.suzhou]).unwrap();
    assert_eq!(found(&world, &both, "x").await, Vec::<String>::new());
    assert_eq!(found(&world, &both, "sxm").await, ["单小明"]);
}

#[tokio::test]
async fn a_name_that_several_keys_lead_to_stands_in_the_list_once() {
    let world = World::start().await;
    for (place, name) in ["张华", "张浩", "赵欢欢", "曾虎", "朱乐", "1234 Zh"].into_iter().enumerate()
    {
        world.open(&world.here, world.hangzhou, name, &format!("1380000123{place}")).await;
    }
    let mut zh = found(&world, &world.here, "zh").await;
    assert_eq!(zh.len(), 5);
    zh.sort_unstable();
    zh.dedup();
    assert_eq!(zh.len(), 5);
    assert_eq!(found(&world, &world.here, "欢").await, ["赵欢欢"]);
    assert_eq!(found(&world, &world.here, "z").await.len(), 5);
    // By the phone first, then by the name.
    assert_eq!(found(&world, &world.here, "1234").await, ["朱乐", "1234 Zh"]);
}

#[tokio::test]
async fn a_file_is_found_by_the_name_that_it_has_now() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "王小明", "13800001234").await;
    assert_eq!(found(&world, &world.here, "wxm").await, ["王小明"]);
    rename(&world, &file, "李小明").await;
    assert!(found(&world, &world.here, "wxm").await.is_empty());
    assert_eq!(found(&world, &world.here, "lxm").await, ["李小明"]);
    assert_eq!(found(&world, &world.headquarters, "小明").await, ["李小明"]);
}

#[tokio::test]
async fn a_page_goes_on_from_a_file_that_was_renamed_or_says_that_it_cannot() {
    let world = World::start().await;
    for (place, name) in ["王一", "王二", "王三"].into_iter().enumerate() {
        world.open(&world.here, world.hangzhou, name, &format!("1380000123{place}")).await;
    }
    let first =
        page(&world, &world.here, ListCustomersRequest { page_size: 1, ..search("王") }).await.unwrap();
    rename(&world, &first.customers[0], "李四").await;
    let next = ListCustomersRequest { page_size: 1, page_token: first.next_page_token, ..search("王") };
    assert_eq!(wrong_fields(page(&world, &world.here, next).await), ["page_token"]);
}

/// Callers of one store, two stores and the group search for whatever may be in somebody's name: they find what is theirs, all of it,
/// and nothing else.
#[tokio::test]
async fn a_search_finds_all_that_is_the_caller_s_and_nothing_else() {
    let world = World::start().await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let characters: Vec<char> = "王张单曾小明华红乐".chars().collect();
    let stores = [world.hangzhou, world.suzhou];
    let mut files: Vec<(String, BTreeSet<StoreId>)> = Vec::new();
    for number in 0..60 {
        let length = random.random_range(2..=4);
        let name: String = (0..length).map(|_| *characters.choose(&mut random).unwrap()).collect();
        let name = format!("{name}{number}");
        let store = *stores.choose(&mut random).unwrap();
        let phone = format!("138{:08}", number * 37);
        world.open(&world.headquarters, store, &name, &phone).await;
        let mut served = BTreeSet::from([store]);
        if random.random_bool(0.3) {
            let other = stores[usize::from(store == stores[0])];
            world.receive(&world.headquarters, other, person(other, &name, &phone)).await;
            served.insert(other);
        }
        files.push((name, served));
    }
    let both = world.stack.staff(&[Role::CrManager], &stores).unwrap();
    let callers = [
        (&world.here, &stores[..1]),
        (&world.there, &stores[1..]),
        (&both, &stores[..]),
        (&world.headquarters, &stores[..]),
    ];
    let letters = ["w", "wx", "z", "zh", "zhang", "s", "sh", "shan", "dan", "zeng", "l", "yue", "xm"];
    for case in 0..120 {
        let (caller, reach) = callers.choose(&mut random).unwrap();
        let chinese = random.random_bool(0.6);
        let q: String = if chinese {
            (0..random.random_range(1..=2)).map(|_| *characters.choose(&mut random).unwrap()).collect()
        } else {
            (*letters.choose(&mut random).unwrap()).to_owned()
        };
        let page_size = random.random_range(1..=7);
        let found = all(&world, caller, ListCustomersRequest { page_size, ..search(&q) }).await;
        let found = names(&found);
        let once: BTreeSet<&str> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "case {case}: {q} finds somebody twice");
        let theirs: BTreeSet<&str> = files
            .iter()
            .filter(|(_, served)| reach.iter().any(|store| served.contains(store)))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(once.is_subset(&theirs), "case {case}: {q} finds what is not the caller's");
        if chinese {
            let wanted: BTreeSet<&str> = theirs.iter().copied().filter(|name| name.contains(&q)).collect();
            assert_eq!(once, wanted, "case {case}: {q}");
        }
    }
}

#[tokio::test]
async fn files_that_are_opened_meanwhile_neither_hide_nor_repeat_others() {
    let world = World::start().await;
    let mut before = BTreeSet::new();
    for number in 0..20 {
        world.stack.clock.advance(SignedDuration::from_millis(5));
        let name = format!("王{}", number * 2);
        world.open(&world.here, world.hangzhou, &name, &format!("138{number:08}")).await;
        before.insert(name);
    }
    for request in [search("王"), search(""), search("w")] {
        let (mut seen, mut page_token, mut number) = (Vec::new(), String::new(), 100);
        loop {
            let request = ListCustomersRequest { page_token, page_size: 3, ..request.clone() };
            // Else the last page might never come.
            let writers = (0..if number < 130 { 3 } else { 0 }).map(|_| {
                number += 1;
                let name = format!("王{}", number % 41);
                let (world, phone) = (&world, format!("139{:02}{number:06}", request.q.len()));
                async move {
                    let file = person(world.hangzhou, &name, &phone);
                    world.customers(&world.here).create_customer(creation(file)).await.unwrap();
                }
            });
            let (list, _) =
                tokio::join!(page(&world, &world.here, request.clone()), futures::future::join_all(writers));
            let list = list.unwrap();
            seen.extend(list.customers.into_iter().map(|customer| (customer.name, customer.display_name)));
            page_token = list.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let ids: BTreeSet<&str> = seen.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids.len(), seen.len(), "{}: a file stands there twice", request.q);
        let named: BTreeSet<String> = seen.iter().map(|(_, name)| name.clone()).collect();
        assert!(named.is_superset(&before), "{}: a file is hidden", request.q);
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_what_is_known_of_the_customers() {
    let world = World::start().await;
    let (here, store) = (&world.here, world.hangzhou);
    let walked_in = world.open(here, store, "王一", "13800001231").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let called = Customer { source: SourceChannel::Call.into(), ..person(store, "王二", "13800001232") };
    world.customers(here).create_customer(creation(called)).await.unwrap();
    let hour = Some(time::to_proto(world.stack.clock.now()));
    world.try_lead(here, lead(store, &walked_in.name)).await.unwrap();
    let owner = world
        .leads(here)
        .list_leads(foursight_proto::customer::v1::ListLeadsRequest::default())
        .await
        .unwrap();
    let owner = owner.into_inner().leads[0].owner.clone();
    let bought = world.open(here, store, "李三", "13800001233").await;
    let car = world.deliver(here, delivery(&bought.name, store, "LDEMA00000X000001")).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(24));
    world.check_in(here, store, &car.vehicle, 1_000).await.unwrap();
    let visit = Some(time::to_proto(world.stack.clock.now()));
    world.open(here, store, "王四", "13800001234").await;

    let any = ListCustomersRequest { page_size: 2, ..ListCustomersRequest::default() };
    let cases = [
        (ListCustomersRequest { source: SourceChannel::Call.into(), ..any.clone() }, vec!["王二"]),
        (ListCustomersRequest { owner: owner.clone(), ..any.clone() }, vec!["王一"]),
        (ListCustomersRequest { owner, stage: LifeCycleStage::Lost.into(), ..any.clone() }, vec![]),
        (ListCustomersRequest { model: "Demo X".to_owned(), ..any.clone() }, vec!["李三"]),
        (ListCustomersRequest { visited_from: visit, ..any.clone() }, vec!["李三"]),
        (ListCustomersRequest { visited_before: visit, ..any.clone() }, vec![]),
        (ListCustomersRequest { created_before: hour, ..any.clone() }, vec!["王一"]),
        (
            ListCustomersRequest { created_from: hour, created_before: visit, ..any.clone() },
            vec!["李三", "王二"],
        ),
        (
            ListCustomersRequest { created_from: hour, q: "王".to_owned(), ..any.clone() },
            vec!["王二", "王四"],
        ),
    ];
    for (request, wanted) in cases {
        let found = all(&world, here, request.clone()).await;
        let mut found = names(&found);
        if !request.q.is_empty() || request.created_before.is_some() {
            found.sort_unstable();
        }
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{request:?}");
        assert!(all(&world, &world.there, request).await.is_empty());
    }
    let upside_down = ListCustomersRequest { created_from: hour, created_before: hour, ..any.clone() };
    assert_eq!(wrong_fields(page(&world, here, upside_down).await), ["created_before"]);
    let counted = page(&world, here, ListCustomersRequest { with_total_size: true, page_size: 1, ..any })
        .await
        .unwrap();
    assert_eq!((counted.total_size, counted.total_size_is_least, counted.customers.len()), (4, false, 1));
}
