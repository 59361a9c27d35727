//! Two files of one customer become one, and for 30 days two again.

use foursight_kernel::CustomerId;
use foursight_proto::customer::{
    events::v1::{CustomersMerged, CustomersUnmerged},
    v1::{
        AddContactPointRequest, Consent, ConsentState, ContactKind, Customer, Gender, LifeCycleStage,
        ListConsentsRequest, ListCustomersRequest, ListFactsRequest, ListMergesRequest,
        ListTimelineEntriesRequest, ListVehiclesRequest, LunarDate, Merge, MergeCustomersRequest,
        MergeObstacle, PreviewMergeRequest, PreviewMergeResponse, PreviewUndoMergeRequest, Profile, Purpose,
        RecordConsentRequest, Resolution, ResolveContactsRequest, RevealFieldRequest, SensitiveField,
        SourceChannel, UndoMergeRequest, merge_service_client::MergeServiceClient,
    },
};
use foursight_proto::google::r#type::Date;
use foursight_testkit::{Caller, CallerChannel, metadata, reason, refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, creation, delivery, person};

/// Of the first of May, 1985.
const NATIONAL_ID: &str = "110105198505010028";

impl World {
    pub(crate) fn merges(&self, caller: &Caller) -> MergeServiceClient<CallerChannel> {
        MergeServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn preview_merge(
        &self,
        by: &Caller,
        survivor: &str,
        other: &str,
    ) -> Result<PreviewMergeResponse, Status> {
        let request =
            PreviewMergeRequest { name: survivor.to_owned(), other: other.to_owned(), take: Vec::new() };
        Ok(self.merges(by).preview_merge(request).await?.into_inner())
    }

    pub(crate) async fn merge(&self, by: &Caller, survivor: &str, other: &str) -> Result<Merge, Status> {
        self.merge_taking(by, survivor, other, &[]).await
    }

    pub(crate) async fn merge_taking(
        &self,
        by: &Caller,
        survivor: &str,
        other: &str,
        take: &[&str],
    ) -> Result<Merge, Status> {
        let request = MergeCustomersRequest {
            name: survivor.to_owned(),
            other: other.to_owned(),
            store: self.hangzhou.name(),
            take: take.iter().map(|path| (*path).to_owned()).collect(),
            reason: "她本人确认".to_owned(),
            ..MergeCustomersRequest::default()
        };
        Ok(self.merges(by).merge_customers(request).await?.into_inner())
    }

    pub(crate) async fn unmerge(&self, by: &Caller, merge: &str) -> Result<Merge, Status> {
        let request = UndoMergeRequest {
            name: merge.to_owned(),
            store: self.hangzhou.name(),
            reason: "两个人".to_owned(),
        };
        Ok(self.merges(by).undo_merge(request).await?.into_inner())
    }

    pub(crate) async fn consent(&self, by: &Caller, customer: &str, purpose: Purpose, state: ConsentState) {
        let consent = Consent {
            purpose: purpose.into(),
            contact_kind: ContactKind::Phone.into(),
            state: state.into(),
            method: "counter".to_owned(),
            wording_version: "2026-01".to_owned(),
            ..Consent::default()
        };
        let request = RecordConsentRequest {
            parent: customer.to_owned(),
            consent: Some(consent),
            ..Default::default()
        };
        self.consents(by).record_consent(request).await.unwrap();
    }

    pub(crate) async fn kinds_on_timeline(&self, by: &Caller, customer: &str) -> Vec<String> {
        self.stack.settled().await.unwrap();
        let request = ListTimelineEntriesRequest { parent: customer.to_owned(), ..Default::default() };
        let found = self.customers(by).list_timeline_entries(request).await.unwrap().into_inner();
        found.timeline_entries.into_iter().map(|entry| entry.kind).collect()
    }
}

/// Two files of one person: the older one at the store in Hangzhou, the newer one in Suzhou.
async fn two(world: &World) -> (String, String) {
    let old = world.open(&world.here, world.hangzhou, "王小明", "13800000001").await.name;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    let new = world.open(&world.there, world.suzhou, "王小明", "13800000002").await.name;
    (old, new)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_belongs_to_the_absorbed_file_follows_to_the_survivor() {
    let world = World::start().await;
    let (old, new) = two(&world).await;
    let car =
        world.deliver(&world.there, delivery(&new, world.suzhou, "LSVAA4182E2000001")).await.unwrap().vehicle;
    world.lead(&world.there, world.suzhou, &new).await;
    world.consent(&world.here, &old, Purpose::Marketing, ConsentState::Given).await;
    world.consent(&world.there, &new, Purpose::Marketing, ConsentState::Withdrawn).await;
    world.consent(&world.there, &new, Purpose::Survey, ConsentState::Given).await;
    let step = (new.clone(), world.suzhou.name());
    let profile = Some(Profile { occupation: "教师".to_owned(), ..Profile::default() });
    world
        .learn_facts(
            &world.there,
            &step,
            Customer { profile, gender: Gender::Male.into(), ..Customer::default() },
        )
        .await;

    let preview = world.preview_merge(&world.headquarters, &old, &new).await.unwrap();
    let taken: Vec<&str> =
        preview.facts.iter().filter(|fact| fact.taken).map(|fact| fact.field.as_str()).collect();
    assert_eq!(taken, ["gender", "profile.occupation"]);
    let follows = |kind: &str| preview.follows.iter().find(|it| it.kind == kind).map_or(0, |it| it.count);
    assert_eq!(
        (follows("leads"), follows("deliveries"), follows("consents"), follows("contact_points")),
        (1, 1, 2, 1)
    );
    assert!(preview.reason_required && preview.obstacles.is_empty());

    let merge = world.merge(&world.headquarters, &old, &new).await.unwrap();
    assert_eq!((merge.customer.as_str(), merge.other.as_str()), (old.as_str(), new.as_str()));
    let file = world.file(&world.here, &old).await.unwrap();
    let phones: Vec<&str> = file.contact_points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(phones, ["138****0001", "138****0002"]);
    assert_eq!((file.gender(), file.profile.as_ref().unwrap().occupation.as_str()), (Gender::Male, "教师"));
    assert_eq!(file.stage(), LifeCycleStage::Buyer);
    // The store that knew the other file sees this one.
    assert_eq!(world.file(&world.there, &old).await.unwrap().stores, [world.suzhou.name()]);
    let cars = ListVehiclesRequest { customer: old.clone(), ..ListVehiclesRequest::default() };
    let cars = world.vehicles(&world.here).list_vehicles(cars).await.unwrap().into_inner().vehicles;
    assert_eq!(cars.into_iter().map(|car| car.name).collect::<Vec<_>>(), [car]);
    // What one file has withdrawn is withdrawn; what it has given beside that holds.
    let state = async |purpose: Purpose| {
        let request = ListConsentsRequest { parent: old.clone(), ..Default::default() };
        let consents =
            world.consents(&world.here).list_consents(request).await.unwrap().into_inner().consents;
        consents.into_iter().find(|consent| consent.purpose() == purpose).map(|consent| consent.state())
    };
    assert_eq!(state(Purpose::Marketing).await, Some(ConsentState::Withdrawn));
    assert_eq!(state(Purpose::Survey).await, Some(ConsentState::Given));
    // What is told of facts opens with the survivor's key.
    let facts = ListFactsRequest { parent: old.clone(), ..Default::default() };
    let facts = world.customers(&world.here).list_facts(facts).await.unwrap().into_inner().facts;
    assert!(facts.iter().any(|fact| fact.field == "profile.occupation"));
    let point = file.contact_points[1].name.clone();
    let shown = RevealFieldRequest {
        name: old.clone(),
        field: SensitiveField::ContactPoint.into(),
        contact_point: point,
        reason: "客户要求回电".to_owned(),
    };
    let shown = world.customers(&world.here).reveal_field(shown).await.unwrap().into_inner();
    assert_eq!(shown.value, "+8613800000002");

    // The other file is no more, and says where to go on.
    let gone = world.file(&world.there, &new).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (Code::NotFound, "CUSTOMER_MERGED"));
    assert_eq!(metadata(&gone, "customer"), Some(old.clone()));
    let found = async |by: &Caller, q: &str| {
        let request = ListCustomersRequest { q: q.to_owned(), ..ListCustomersRequest::default() };
        let found = world.customers(by).list_customers(request).await.unwrap().into_inner().customers;
        found.into_iter().map(|customer| customer.name).collect::<Vec<_>>()
    };
    let kinds = world.kinds_on_timeline(&world.headquarters, &old).await;
    assert!(kinds.contains(&"CUSTOMERS_MERGED".to_owned()));
    assert_eq!(kinds.iter().filter(|kind| *kind == "CUSTOMER_CREATED").count(), 2);
    for by in [&world.here, &world.there, &world.headquarters] {
        assert_eq!(found(by, "wxm").await, std::slice::from_ref(&old));
        assert_eq!(found(by, "13800000002").await, std::slice::from_ref(&old));
        assert_eq!(found(by, "").await, std::slice::from_ref(&old));
    }
    assert_eq!(
        refusal(world.try_lead(&world.there, crate::world::lead(world.suzhou, &new)).await).0,
        Code::NotFound
    );
    // Messages that are under way reach who the customer is now.
    let request = ResolveContactsRequest {
        customers: vec![new.clone()],
        purpose: Purpose::Survey.into(),
        contact_kind: ContactKind::Phone.into(),
    };
    let notification = world.stack.service("notification").unwrap();
    let contacts =
        world.contacts(&notification).resolve_contacts(request).await.unwrap().into_inner().contacts;
    assert_eq!(
        (contacts[0].customer.as_str(), contacts[0].resolution()),
        (new.as_str(), Resolution::Reachable)
    );

    let told = world.stack.told::<CustomersMerged>().await.unwrap();
    assert_eq!(
        (told.len(), told[0].customer.as_str(), told[0].other.as_str()),
        (1, old.as_str(), new.as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_since_stays_with_the_survivor() {
    let world = World::start().await;
    let (old, new) = two(&world).await;
    world.lead(&world.there, world.suzhou, &new).await;
    let born = Date { year: 1985, month: 5, day: 1 };
    let its_own = Customer {
        national_id: NATIONAL_ID.to_owned(),
        lunar_birthday: Some(LunarDate { year: 1985, month: 3, day: 12, leap_month: false }),
        birthday: Some(born),
        ..Customer::default()
    };
    world.learn_facts(&world.there, &(new.clone(), world.suzhou.name()), its_own).await;
    let merge = world.merge(&world.headquarters, &old, &new).await.unwrap();
    let file = world.file(&world.here, &old).await.unwrap();
    assert!(!file.national_id.is_empty() && file.birthday.is_some() && file.lunar_birthday.is_some());
    world.stack.clock.advance(SignedDuration::from_hours(1));
    // Since then: a lead in Hangzhou, a fact, a phone that somebody else has taken over.
    world.lead(&world.here, world.hangzhou, &old).await;
    let step = (old.clone(), world.hangzhou.name());
    world
        .learn_facts(
            &world.here,
            &step,
            Customer { display_name: "王晓明".to_owned(), ..Customer::default() },
        )
        .await;
    let third = world.open(&world.here, world.hangzhou, "李四", "13800000009").await.name;
    let taken = AddContactPointRequest {
        name: third.clone(),
        kind: ContactKind::Phone.into(),
        value: "13800000002".to_owned(),
        store: world.hangzhou.name(),
        source: SourceChannel::WalkIn.into(),
        phone_confirmed: true,
        ..AddContactPointRequest::default()
    };
    world.customers(&world.here).add_contact_point(taken).await.unwrap();

    let preview = PreviewUndoMergeRequest { name: merge.name.clone() };
    let preview = world.merges(&world.headquarters).preview_undo_merge(preview).await.unwrap().into_inner();
    let count = |kinds: &[foursight_proto::customer::v1::MergedKind], kind: &str| {
        kinds.iter().find(|it| it.kind == kind).map_or(0, |it| it.count)
    };
    assert_eq!((count(&preview.returns, "leads"), count(&preview.stays, "leads")), (1, 1));

    let undone = world.unmerge(&world.headquarters, &merge.name).await.unwrap();
    assert_eq!((undone.phones_elsewhere, undone.undo_reason.as_str()), (1, "两个人"));
    let (survivor, other) =
        (world.file(&world.here, &old).await.unwrap(), world.file(&world.there, &new).await.unwrap());
    assert_eq!((survivor.display_name.as_str(), other.display_name.as_str()), ("王晓明", "王小明"));
    assert_eq!(
        (survivor.national_id.as_str(), survivor.birthday, &survivor.lunar_birthday),
        ("", None, &None)
    );
    assert_eq!(other.birthday, Some(born));
    assert!(!undone.national_id_elsewhere && !other.national_id.is_empty() && other.lunar_birthday.is_some());
    assert!(other.contact_points[0].end_time.is_some());
    assert_eq!(survivor.contact_points.len(), 1);
    assert_eq!(
        refusal(world.file(&world.there, &old).await).0,
        Code::NotFound,
        "the store has had nothing with it since"
    );
    world.stack.settled().await.unwrap();
    assert_eq!(world.stack.told::<CustomersUnmerged>().await.unwrap().len(), 1);
    let merges = ListMergesRequest { parent: old.clone(), ..ListMergesRequest::default() };
    let merges = world.merges(&world.here).list_merges(merges).await.unwrap().into_inner().merges;
    assert!(merges[0].undo_time.is_some());
    assert_eq!(refusal(world.unmerge(&world.headquarters, &merge.name).await).1, "MERGE_UNDONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_of_merges_are_undone_the_last_one_first() {
    let world = World::start().await;
    let mut files = Vec::new();
    for number in 1..=3 {
        files.push(
            world.open(&world.here, world.hangzhou, "王小明", &format!("1380000000{number}")).await.name,
        );
        world
            .deliver(
                &world.here,
                delivery(&files[number - 1], world.hangzhou, &format!("LSVAA4182E200000{number}")),
            )
            .await
            .unwrap();
    }
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let before = world.rows_of(&names).await;
    let first = world.merge(&world.here, &files[1], &files[0]).await.unwrap();
    let second = world.merge(&world.here, &files[2], &files[1]).await.unwrap();
    let gone = world.file(&world.here, &files[0]).await.unwrap_err();
    assert_eq!(metadata(&gone, "customer"), Some(files[2].clone()));
    assert_eq!(world.file(&world.here, &files[2]).await.unwrap().contact_points.len(), 3);
    assert_eq!(refusal(world.unmerge(&world.here, &first.name).await).1, "SURVIVOR_ABSORBED");
    world.unmerge(&world.here, &second.name).await.unwrap();
    world.unmerge(&world.here, &first.name).await.unwrap();
    let after = world.rows_of(&names).await;
    for (table, rows) in before {
        assert_eq!(rows, after[&table], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_against_one_customer_stands_in_the_way() {
    let world = World::start().await;
    let with_id = async |phone: &str, id: &str| {
        let customer = Customer { national_id: id.to_owned(), ..person(world.hangzhou, "王小明", phone) };
        world.customers(&world.here).create_customer(creation(customer)).await.unwrap().into_inner().name
    };
    let one = with_id("13800000001", "110101199003070054").await;
    let two = with_id("13800000002", "110101199003070097").await;
    let preview = world.preview_merge(&world.here, &one, &two).await;
    let Ok(preview) = preview else { panic!("{preview:?}") };
    assert_eq!(preview.obstacles, [i32::from(MergeObstacle::NationalIdsDiffer)]);
    assert!(preview.probability < f64::EPSILON);
    let refused = world.merge(&world.here, &one, &two).await.unwrap_err();
    assert_eq!(reason(&refused), "MERGE_REFUSED");
    assert_eq!(metadata(&refused, "obstacles").as_deref(), Some("MERGE_OBSTACLE_NATIONAL_IDS_DIFFER"));

    // Somebody who sees one of them only learns nothing; who may not merge neither.
    let elsewhere = world.open(&world.there, world.suzhou, "王小明", "13800000003").await.name;
    assert_eq!(
        refusal(world.merge(&world.here, &one, &elsewhere).await),
        (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned())
    );
    assert_eq!(refusal(world.merge(&world.supervisor, &one, &two).await).1, "RIGHT_MISSING");
    assert_eq!(wrong_fields(world.merge(&world.here, &one, &one).await), ["other"]);
    assert_eq!(wrong_fields(world.merge_taking(&world.here, &one, &two, &["nonsense"]).await), ["take[0]"]);

    // Little in common needs a reason; and what was looked at is what is merged.
    let three = world.open(&world.here, world.hangzhou, "王小明", "13800000004").await;
    let request = |etag: &str, reason: &str| MergeCustomersRequest {
        name: one.clone(),
        other: three.name.clone(),
        store: world.hangzhou.name(),
        other_etag: etag.to_owned(),
        reason: reason.to_owned(),
        request_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
        ..MergeCustomersRequest::default()
    };
    let merge = async |etag: &str, reason: &str| {
        Ok::<_, Status>(world.merges(&world.here).merge_customers(request(etag, reason)).await?.into_inner())
    };
    assert_eq!(wrong_fields(merge("", "").await), ["reason"]);
    assert_eq!(refusal(merge("77", "同一人").await), (Code::Aborted, "CUSTOMER_CHANGED".to_owned()));
    let merged = merge(&three.etag, "同一人").await.unwrap();
    assert_eq!(merge(&three.etag, "同一人").await.unwrap(), merged, "the same request is carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_30_days_nothing_of_the_absorbed_file_is_kept() {
    let world = World::start().await;
    let (old, new) = two(&world).await;
    let merge = world.merge(&world.headquarters, &old, &new).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(30 * 24 + 1));
    assert_eq!(refusal(world.unmerge(&world.headquarters, &merge.name).await).1, "MERGE_FINAL");
    while !world.stack.running.round("customer", "merges-forget").await.unwrap() {}
    let owner = world.stack.owner().await.unwrap();
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.merge_rows").fetch_one(&owner).await.unwrap();
    let keys: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.customer_keys").fetch_one(&owner).await.unwrap();
    assert_eq!((kept, keys), (0, 1));
    assert_eq!(world.file(&world.here, &old).await.unwrap().contact_points.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_the_same_moment_ends_at_the_survivor() {
    let world = World::start().await;
    for round in 0..8 {
        let phone = |n: u8| format!("138{n}000{round:04}");
        let old = world.open(&world.here, world.hangzhou, "王小明", &phone(1)).await.name;
        let new = world.open(&world.here, world.hangzhou, "王小明", &phone(2)).await.name;
        let (merge, lead, reception) = tokio::join!(
            world.merge(&world.here, &old, &new),
            world.try_lead(&world.here, crate::world::lead(world.hangzhou, &new)),
            world.try_receive(&world.here, world.hangzhou, person(world.hangzhou, "王小明", &phone(2))),
        );
        merge.unwrap();
        for refused in [lead.err(), reception.err()].into_iter().flatten() {
            assert!(matches!(refused.code(), Code::Aborted | Code::NotFound), "{refused:?}");
        }
        let owner = world.stack.owner().await.unwrap();
        let id = CustomerId::parse_name(&new).unwrap().uuid();
        for table in ["leads", "receptions", "contact_points", "customer_stores"] {
            let statement = format!("SELECT count(*) FROM customer.{table} WHERE customer_id = $1");
            let stray: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(id).fetch_one(&owner).await.unwrap();
            assert_eq!(stray, 0, "{table}");
        }
    }
}
