//! Ways to reach a customer that come and go, and phones that change hands.

use foursight_kernel::{Clock, time};
use foursight_proto::customer::{
    events::v1::{ContactPointAdded, ContactPointEnded},
    v1::{
        AddContactPointRequest, ContactKind, Customer, EndContactPointRequest, ListTimelineEntriesRequest,
        SourceChannel,
    },
};
use foursight_testkit::{Caller, refusal, wrong_fields};
use futures::future::join_all;
use jiff::SignedDuration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, contact, creation, person};

const PHONE: &str = "13800001234";

impl World {
    async fn add(&self, by: &Caller, request: AddContactPointRequest) -> Result<Customer, Status> {
        Ok(self.customers(by).add_contact_point(request).await?.into_inner())
    }

    async fn end(&self, by: &Caller, file: &Customer, place: usize) -> Result<Customer, Status> {
        let request = EndContactPointRequest {
            name: file.name.clone(),
            contact_point: file.contact_points[place].name.clone(),
            store: self.hangzhou.name(),
            ..EndContactPointRequest::default()
        };
        Ok(self.customers(by).end_contact_point(request).await?.into_inner())
    }

    fn phone(&self, file: &str, phone: &str) -> AddContactPointRequest {
        AddContactPointRequest {
            name: file.to_owned(),
            kind: ContactKind::Phone.into(),
            value: phone.to_owned(),
            store: self.hangzhou.name(),
            source: SourceChannel::Call.into(),
            ..AddContactPointRequest::default()
        }
    }

    async fn kinds(&self, by: &Caller, file: &str) -> Vec<String> {
        self.stack.settled().await.unwrap();
        let request = ListTimelineEntriesRequest { parent: file.to_owned(), ..Default::default() };
        let entries = self.customers(by).list_timeline_entries(request).await.unwrap().into_inner();
        entries.timeline_entries.into_iter().map(|entry| entry.kind).collect()
    }
}

#[tokio::test]
async fn a_way_to_reach_somebody_comes_and_goes_with_its_time() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", PHONE).await;
    world.stack.clock.advance(SignedDuration::from_hours(24));
    let request = AddContactPointRequest {
        request_id: world.stack.ids.uuid().to_string(),
        ..world.phone(&file.name, "138 0000 1235")
    };
    let added = world.add(&world.here, request.clone()).await.unwrap();
    let shown: Vec<&str> = added.contact_points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(shown, ["138****1234", "138****1235"]);
    assert_ne!(added.etag, file.etag);
    assert_eq!(world.add(&world.here, request).await.unwrap(), added, "once only");
    let refused = refusal(world.add(&world.here, world.phone(&file.name, "13800001235")).await);
    assert_eq!(refused, (Code::AlreadyExists, "CONTACT_POINT_EXISTS".to_owned()));

    let ended = world.end(&world.here, &added, 0).await.unwrap();
    assert_eq!(ended.contact_points[0].end_time, Some(time::to_proto(world.stack.clock.now())));
    assert_eq!(ended.contact_points[1].end_time, None);
    let refused = refusal(world.end(&world.here, &added, 0).await);
    assert_eq!(refused, (Code::FailedPrecondition, "CONTACT_POINT_ENDED".to_owned()));
    let next = world.open(&world.here, world.hangzhou, "示例二", PHONE).await;
    assert_ne!(next.name, file.name, "whose phone has ended may be somebody else's");

    let added: Vec<ContactPointAdded> = world.stack.told().await.unwrap();
    let over: Vec<ContactPointEnded> = world.stack.told().await.unwrap();
    assert_eq!((added.len(), over.len()), (1, 1));
    assert_eq!((added[0].kind(), over[0].taken_over), (ContactKind::Phone, false));
    let kinds = world.kinds(&world.here, &file.name).await;
    assert_eq!(kinds, ["CONTACT_POINT_ENDED", "CONTACT_POINT_ADDED", "CUSTOMER_CREATED"]);
    let owner = world.stack.owner().await.unwrap();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT string_agg(t::text, '') FROM customer.audit t),
                       (SELECT string_agg(encode(payload, 'escape'), '') FROM customer.outbox t))",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(!dump.contains("1380000123"), "no phone in the audit log and the events");
}

#[tokio::test]
async fn a_recycled_phone_is_its_new_owner_s_from_that_day_on_when_it_is_confirmed() {
    let world = World::start().await;
    let before = world.open(&world.there, world.suzhou, "示例一", PHONE).await;
    world.stack.clock.advance(SignedDuration::from_hours(24 * 30));
    let after = world.open(&world.here, world.hangzhou, "示例二", "13800009999").await;
    // Contact points of one instant come in no order.
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let status = world.add(&world.here, world.phone(&after.name, PHONE)).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::AlreadyExists, "PHONE_TAKEN"));
    assert_eq!(info.metadata.get("customer"), None, "whose it is at another store is not told");

    let day = world.stack.clock.now() - SignedDuration::from_hours(24 * 10);
    let start_time = Some(time::to_proto(day));
    let confirmed =
        AddContactPointRequest { phone_confirmed: true, start_time, ..world.phone(&after.name, PHONE) };
    let taken = world.add(&world.here, confirmed).await.unwrap();
    let point = &taken.contact_points[1];
    assert_eq!((point.value.as_str(), point.start_time, point.end_time), ("138****1234", start_time, None));
    let left = world.file(&world.there, &before.name).await.unwrap();
    let point = &left.contact_points[0];
    assert_eq!((point.start_time, point.end_time), (before.create_time, start_time), "it keeps its history");
    assert_ne!(left.etag, before.etag);

    let over: Vec<ContactPointEnded> = world.stack.told().await.unwrap();
    assert_eq!((over.len(), over[0].customer.clone(), over[0].taken_over), (1, before.name.clone(), true));
    let kinds = world.kinds(&world.there, &before.name).await;
    assert_eq!(kinds, ["CONTACT_POINT_ENDED", "CUSTOMER_CREATED"]);
    // A reception finds the new owner by it, and not the old one.
    let visit = world.receive(&world.here, world.hangzhou, person(world.hangzhou, "示例二", PHONE)).await;
    assert_eq!(visit.customer, after.name);
}

#[tokio::test]
async fn a_phone_has_one_owner_however_many_take_it_at_once() {
    let world = World::start().await;
    let mut files = vec![world.open(&world.here, world.hangzhou, "示例", PHONE).await.name];
    for number in 0..4 {
        let phone = format!("1390000123{number}");
        files.push(world.open(&world.here, world.hangzhou, &format!("示例{number}"), &phone).await.name);
    }
    let request =
        |file: &String| AddContactPointRequest { phone_confirmed: true, ..world.phone(file, PHONE) };
    let at_once = files[1..].iter().map(|file| world.add(&world.here, request(file)));
    let answers = join_all(at_once).await;
    assert!(answers.iter().any(Result::is_ok));
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused).0, Code::Aborted);
    }
    let mut holders = 0;
    for file in &files {
        let file = world.file(&world.here, file).await.unwrap();
        holders += file
            .contact_points
            .iter()
            .filter(|point| point.value == "138****1234" && point.end_time.is_none())
            .count();
    }
    assert_eq!(holders, 1);
    // Who sees the file is told whose it is.
    let other = world.open(&world.here, world.hangzhou, "示例九", "13900009999").await.name;
    let status = world.add(&world.here, world.phone(&other, PHONE)).await.unwrap_err();
    assert!(files.contains(&status.get_details_error_info().unwrap().metadata["customer"]));
}

#[tokio::test]
async fn whose_phone_is_on_file_is_told_and_taken_a_few_times_only() {
    let world = World::start().await;
    let mut phones = Vec::new();
    for number in 10..22 {
        let phone = format!("138000012{number}");
        world.open(&world.there, world.suzhou, &format!("示例{number}"), &phone).await;
        phones.push(phone);
    }
    let mine = world.open(&world.here, world.hangzhou, "示例一", "13900001234").await.name;
    for (place, phone) in phones.iter().take(10).enumerate() {
        let confirmed = place % 2 == 1;
        let request = AddContactPointRequest { phone_confirmed: confirmed, ..world.phone(&mine, phone) };
        assert_eq!(world.add(&world.here, request).await.is_ok(), confirmed);
    }
    for phone in [&phones[10], "13900009999"] {
        let request = AddContactPointRequest { phone_confirmed: true, ..world.phone(&mine, phone) };
        let refused = refusal(world.add(&world.here, request).await);
        assert_eq!(refused, (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned()));
    }
}

#[tokio::test]
async fn another_store_s_file_and_what_is_wrong_are_refused() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", PHONE).await;
    let theirs =
        AddContactPointRequest { store: world.suzhou.name(), ..world.phone(&file.name, "13800001235") };
    let refused = refusal(world.add(&world.there, theirs).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let tomorrow = world.stack.clock.now() + SignedDuration::from_hours(24);
    let wrong = AddContactPointRequest {
        store: String::new(),
        source: 0,
        start_time: Some(time::to_proto(tomorrow)),
        ..world.phone(&file.name, "12")
    };
    let wrong = wrong_fields(world.add(&world.here, wrong).await);
    assert_eq!(wrong, ["source", "start_time", "store", "value"]);
    let many = (0..20).map(|number| contact(ContactKind::Wechat, &format!("demo_{number}"))).collect();
    let many = Customer { contact_points: many, ..person(world.hangzhou, "示例二", "") };
    let many = world.customers(&world.here).create_customer(creation(many)).await.unwrap().into_inner();
    let refused = refusal(world.add(&world.here, world.phone(&many.name, "13800001236")).await);
    assert_eq!(refused, (Code::FailedPrecondition, "CONTACT_POINTS_FULL".to_owned()));
}
