//! Lists and searches of a region: the stores that identity tells are in it, as far as the caller reaches them.

use foursight_kernel::StoreId;
use foursight_proto::{
    customer::v1::ListCustomersRequest,
    identity::{events::v1::StoreChanged, v1::Role},
};
use foursight_testkit::{Caller, wrong_fields};
use jiff::SignedDuration;

use crate::world::World;

impl World {
    async fn place(&self, store: StoreId, region: &str, version: i64) {
        let told = StoreChanged { store: store.name(), region: region.to_owned(), ..StoreChanged::default() };
        self.stack.tell(&told, store.uuid(), version, Some(store)).await.unwrap();
        self.stack.settled().await.unwrap();
    }

    async fn listed(&self, by: &Caller, request: ListCustomersRequest) -> Vec<String> {
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let request = ListCustomersRequest { page_size: 1, page_token: token, ..request.clone() };
            let page = self.customers(by).list_customers(request).await.unwrap().into_inner();
            names.extend(page.customers.into_iter().map(|customer| customer.display_name));
            token = page.next_page_token;
            if token.is_empty() {
                return names;
            }
        }
    }
}

fn of(region: &str) -> ListCustomersRequest {
    ListCustomersRequest { region: region.to_owned(), ..ListCustomersRequest::default() }
}

#[tokio::test]
async fn a_list_of_a_region_has_the_files_of_its_stores_that_the_caller_reaches() {
    let world = World::start().await;
    let chengdu: StoreId = world.stack.ids.next();
    let far = world.stack.staff(&[Role::CrManager, Role::IntentionSpecialist], &[chengdu]).unwrap();
    world.place(world.hangzhou, "华东", 1).await;
    world.place(world.suzhou, "华东", 1).await;
    world.place(chengdu, "华东", 1).await;
    world.place(chengdu, "西南", 3).await;
    // An old one that comes late changes nothing.
    world.place(chengdu, "华东", 2).await;
    world.open(&world.here, world.hangzhou, "王杭州", "13800000001").await;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    world.open(&world.there, world.suzhou, "王苏州", "13800000002").await;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    world.open(&far, chengdu, "王成都", "13800000003").await;
    world.stack.settled().await.unwrap();

    let two = world.stack.staff(&[Role::CrManager], &[world.hangzhou, chengdu]).unwrap();
    let text = |q: &str, region: &str| ListCustomersRequest { q: q.to_owned(), ..of(region) };
    for (by, request, names) in [
        (&world.headquarters, of("华东"), vec!["王苏州", "王杭州"]),
        (&world.headquarters, of("西南"), vec!["王成都"]),
        (&world.headquarters, of(""), vec!["王成都", "王苏州", "王杭州"]),
        (&world.here, of("华东"), vec!["王杭州"]),
        (&world.here, of("西南"), vec![]),
        (&two, of("西南"), vec!["王成都"]),
        (&two, of("华东"), vec!["王杭州"]),
        (&world.headquarters, text("王成", "华东"), vec![]),
        (&world.headquarters, text("王成", "西南"), vec!["王成都"]),
        (&world.here, text("13800000002", "华东"), vec![]),
        (&world.headquarters, text("13800000002", "华东"), vec!["王苏州"]),
        (&world.headquarters, text("13800000002", "西南"), vec![]),
        (
            &world.headquarters,
            ListCustomersRequest { store: world.suzhou.name(), ..of("华东") },
            vec!["王苏州"],
        ),
        (&world.headquarters, ListCustomersRequest { store: world.suzhou.name(), ..of("西南") }, vec![]),
    ] {
        assert_eq!(world.listed(by, request.clone()).await, names, "{request:?}");
    }
    let refused = world.customers(&world.here).list_customers(of("东海")).await;
    assert_eq!(wrong_fields(refused), ["region"]);
    let counted = ListCustomersRequest { with_total_size: true, ..of("华东") };
    let counted = world.customers(&world.headquarters).list_customers(counted).await.unwrap().into_inner();
    assert_eq!((counted.total_size, counted.total_size_is_least), (2, false));
}
