//! Files that may be of one customer: on entry, among new ones, among all of them.

use foursight_proto::{
    customer::v1::{
        ContactKind, Customer, DismissDuplicateRequest, Duplicate, DuplicateSign, DuplicateState,
        FindDuplicatesRequest, ListDuplicatesRequest, MergeCustomersRequest,
        duplicate_service_client::DuplicateServiceClient,
    },
    google::r#type::Date,
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use tonic::{Code, Status};

use crate::world::{World, contact, creation, delivery, person};

const BORN: Date = Date { year: 1985, month: 5, day: 1 };

fn asked(customer: Customer) -> FindDuplicatesRequest {
    FindDuplicatesRequest {
        display_name: customer.display_name,
        birthday: customer.birthday,
        contact_points: customer.contact_points,
        ..FindDuplicatesRequest::default()
    }
}

impl World {
    fn duplicates(&self, caller: &Caller) -> DuplicateServiceClient<CallerChannel> {
        DuplicateServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn candidates(&self, by: &Caller, customer: Customer) -> Vec<(String, Vec<DuplicateSign>)> {
        let request = asked(customer);
        let found = self.duplicates(by).find_duplicates(request).await.unwrap().into_inner().candidates;
        found.iter().map(|it| (it.customer.clone().unwrap().name, it.signs().collect())).collect()
    }

    async fn look_through(&self) {
        // Ids of one instant come in no order: the instant has to be over.
        self.stack.clock.advance(SignedDuration::from_secs(11));
        self.stack.settled().await.unwrap();
        while !self.stack.running.round("customer", "duplicates").await.unwrap() {}
    }

    async fn pairs(&self, by: &Caller, state: DuplicateState) -> Vec<Duplicate> {
        let request = ListDuplicatesRequest { state: state.into(), ..ListDuplicatesRequest::default() };
        self.duplicates(by).list_duplicates(request).await.unwrap().into_inner().duplicates
    }

    async fn dismiss(&self, by: &Caller, name: &str) -> Result<Duplicate, Status> {
        let request = DismissDuplicateRequest {
            name: name.to_owned(),
            store: self.hangzhou.name(),
            reason: "父子同名".to_owned(),
        };
        Ok(self.duplicates(by).dismiss_duplicate(request).await?.into_inner())
    }

    async fn open_born(&self, by: &Caller, name: &str, phone: &str) -> String {
        let store = if std::ptr::eq(by, &raw const self.there) { self.suzhou } else { self.hangzhou };
        let customer = Customer { birthday: Some(BORN), ..person(store, name, phone) };
        self.customers(by).create_customer(creation(customer)).await.unwrap().into_inner().name
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_about_to_be_entered_is_compared_with_who_is_there() {
    let world = World::start().await;
    let known = world.open_born(&world.here, "王小明", "13800000001").await;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    let elsewhere = world.open_born(&world.there, "王小明", "13900000001").await;
    world.stack.settled().await.unwrap();

    let told =
        |name: &str| Customer { display_name: name.to_owned(), birthday: Some(BORN), ..Customer::default() };
    let same = vec![DuplicateSign::SameName, DuplicateSign::SameBirthday];
    assert_eq!(world.candidates(&world.here, told("王 小明")).await, [(known.clone(), same.clone())]);
    // Who sees both is told of both, the newer one first where they are equally likely.
    let both = [(elsewhere.clone(), same.clone()), (known.clone(), same)];
    assert_eq!(world.candidates(&world.headquarters, told("王小明")).await, both);
    // Written otherwise and the end of the phone, too.
    let phone =
        Customer { contact_points: vec![contact(ContactKind::Phone, "13512340001")], ..told("汪晓鸣") };
    let signs = vec![DuplicateSign::SamePinyin, DuplicateSign::SameBirthday, DuplicateSign::SamePhoneEnd];
    assert_eq!(world.candidates(&world.here, phone).await, [(known.clone(), signs)]);
    // One sign alone makes nobody a candidate, and a name is not even that.
    let name_only = Customer { display_name: "王小明".to_owned(), ..Customer::default() };
    assert_eq!(world.candidates(&world.here, name_only).await, []);
    let family =
        Customer { contact_points: vec![contact(ContactKind::Phone, "13800000001")], ..told("李梅") };
    let family = Customer { birthday: None, ..family };
    assert_eq!(world.candidates(&world.here, family).await, []);

    let wrong = Customer { birthday: Some(Date { year: 2200, month: 1, day: 1 }), ..told("王小明") };
    let wrong = asked(wrong);
    let wrong = world.duplicates(&world.here).find_duplicates(wrong).await;
    assert_eq!(wrong_fields(wrong), ["birthday"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_are_looked_at_and_people_decide() {
    let world = World::start().await;
    let one = world.open_born(&world.here, "王小明", "13800000001").await;
    let two = world.open_born(&world.here, "王小明", "13800000002").await;
    let son = world.open(&world.here, world.hangzhou, "王小明", "13800000003").await.name;
    let there = world.open_born(&world.there, "王小明", "13800000004").await;
    world.look_through().await;

    let pairs = world.pairs(&world.here, DuplicateState::Open).await;
    let names = |pair: &Duplicate| pair.customers.iter().map(|it| it.name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(pairs.iter().map(names).collect::<Vec<_>>(), [BTreeSet::from([one.clone(), two.clone()])]);
    assert!(pairs[0].probability > 0.9 && pairs[0].customers[0].contact_points[0].value.contains("****"));
    // Whoever sees all files sees all pairs; the store in Suzhou sees one file of each, and so none.
    assert_eq!(world.pairs(&world.headquarters, DuplicateState::Open).await.len(), 3);
    assert!(world.pairs(&world.there, DuplicateState::Open).await.is_empty());
    let foreign = world.pairs(&world.headquarters, DuplicateState::Open).await;
    let foreign = foreign.iter().find(|pair| names(pair).contains(&there)).unwrap();
    assert_eq!(
        refusal(world.dismiss(&world.here, &foreign.name).await),
        (Code::NotFound, "DUPLICATE_NOT_FOUND".to_owned())
    );

    let dismissed = world.dismiss(&world.here, &pairs[0].name).await.unwrap();
    assert_eq!((dismissed.state(), dismissed.reason.as_str()), (DuplicateState::Dismissed, "父子同名"));
    assert_eq!(refusal(world.dismiss(&world.here, &pairs[0].name).await).1, "DUPLICATE_DECIDED");
    // It does not come again, however often all files are looked through.
    for _ in 0..2 {
        world.stack.clock.advance(SignedDuration::from_hours(7));
        world.look_through().await;
    }
    assert!(world.pairs(&world.here, DuplicateState::Open).await.is_empty());
    assert_eq!(world.pairs(&world.here, DuplicateState::Dismissed).await.len(), 1);

    // A pair that is merged is decided, and the pairs of the file that is no more are gone.
    let request = MergeCustomersRequest {
        name: there.clone(),
        other: one.clone(),
        store: world.suzhou.name(),
        ..MergeCustomersRequest::default()
    };
    world.merges(&world.headquarters).merge_customers(request).await.unwrap();
    for by in [&world.headquarters, &world.here, &world.there] {
        assert_eq!(world.pairs(by, DuplicateState::Merged).await.len(), 1);
    }
    let open = world.pairs(&world.headquarters, DuplicateState::Open).await;
    assert_eq!(open.iter().map(names).collect::<Vec<_>>(), [BTreeSet::from([two, there])]);
    assert!(!open.iter().any(|pair| names(pair).contains(&son)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_through_all_files_finds_what_came_together_later() {
    let world = World::start().await;
    let one = world.open(&world.here, world.hangzhou, "王小明", "13800000001").await.name;
    let two = world.open(&world.here, world.hangzhou, "王小明", "13800000002").await.name;
    let unlike = world.open(&world.here, world.hangzhou, "张伟", "13800000003").await.name;
    world.look_through().await;
    assert!(world.pairs(&world.here, DuplicateState::Open).await.is_empty());
    // Since then one car has been both of theirs.
    for owner in [&one, &unlike, &two] {
        world.stack.clock.advance(SignedDuration::from_hours(1));
        world.deliver(&world.here, delivery(owner, world.hangzhou, "LSVAA4182E2000001")).await.unwrap();
    }
    world.look_through().await;
    assert!(
        world.pairs(&world.here, DuplicateState::Open).await.is_empty(),
        "nobody looks again before the night"
    );
    let request = ListDuplicatesRequest::default();
    let mut pass = None;
    for _ in 0..24 {
        world.stack.clock.advance(SignedDuration::from_hours(1));
        world.look_through().await;
        pass =
            world.duplicates(&world.here).list_duplicates(request.clone()).await.unwrap().into_inner().pass;
        if pass.as_ref().is_some_and(|pass| pass.compared > 0) {
            break;
        }
    }
    let pass = pass.unwrap();
    assert!(pass.finish_time.is_some());
    assert_eq!((pass.compared, pass.likely), (1, 1));
    let pairs = world.pairs(&world.here, DuplicateState::Open).await;
    let signs: Vec<DuplicateSign> = pairs[0].signs().collect();
    assert_eq!(signs, [DuplicateSign::SameName, DuplicateSign::SameVehicle]);
}
