//! Changing the facts of a file, and what stays on record of them.

use foursight_proto::{
    customer::{
        events::v1::CustomerUpdated,
        v1::{
            Budget, CarUse, ContactChannel, Customer, CustomerKind, Fact, Gender, ListFactsRequest,
            ListFactsResponse, ListTimelineEntriesRequest, LunarDate, PreferredContact, Profile,
            RevealFieldRequest, SensitiveField, SourceChannel, UpdateCustomerRequest,
        },
    },
    google::r#type::{Date, TimeOfDay},
    identity::v1::Role,
};
use foursight_testkit::{Caller, refusal, wrong_fields};
use futures::future::join_all;
use jiff::SignedDuration;
use prost_types::FieldMask;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, creation, person};

const NATIONAL_ID: &str = "11010519491231002X";

impl World {
    async fn update(
        &self,
        by: &Caller,
        name: &str,
        customer: Customer,
        mask: &[&str],
    ) -> Result<Customer, Status> {
        self.send(by, self.change(name, customer, mask)).await
    }

    fn change(&self, name: &str, customer: Customer, mask: &[&str]) -> UpdateCustomerRequest {
        let paths: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
        UpdateCustomerRequest {
            name: name.to_owned(),
            customer: Some(customer),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            store: self.hangzhou.name(),
            source: SourceChannel::Call.into(),
            ..UpdateCustomerRequest::default()
        }
    }

    async fn send(&self, by: &Caller, request: UpdateCustomerRequest) -> Result<Customer, Status> {
        Ok(self.customers(by).update_customer(request).await?.into_inner())
    }

    async fn facts(&self, by: &Caller, name: &str, field: &str) -> ListFactsResponse {
        let request = ListFactsRequest {
            parent: name.to_owned(),
            field: field.to_owned(),
            ..ListFactsRequest::default()
        };
        self.customers(by).list_facts(request).await.unwrap().into_inner()
    }
}

fn profile() -> Profile {
    let at = |hours| Some(TimeOfDay { hours, ..TimeOfDay::default() });
    Profile {
        occupation: "教师".to_owned(),
        intended_models: vec!["远山 S7".to_owned(), "远山 S9".to_owned()],
        car_use: CarUse::Private.into(),
        budget: Some(Budget { min_fen: 15_000_000, max_fen: 20_000_000 }),
        preferred_contact: Some(PreferredContact {
            channel: ContactChannel::Wechat.into(),
            from: at(18),
            to: at(20),
        }),
        ..Profile::default()
    }
}

fn values(facts: &[Fact]) -> Vec<(&str, Option<Customer>)> {
    facts.iter().map(|fact| (fact.field.as_str(), fact.value.clone())).collect()
}

#[tokio::test]
async fn what_the_mask_names_is_changed_and_what_it_was_stays_on_record() {
    let world = World::start().await;
    let file = Customer { gender: Gender::Male.into(), ..person(world.hangzhou, "示例一", "13800001234") };
    let file = world.customers(&world.here).create_customer(creation(file)).await.unwrap().into_inner();
    world.stack.clock.advance(SignedDuration::from_hours(24));

    let told = Customer {
        display_name: "not looked at".to_owned(),
        gender: Gender::Female.into(),
        national_id: NATIONAL_ID.to_owned(),
        profile: Some(profile()),
        ..Customer::default()
    };
    let request = UpdateCustomerRequest {
        etag: file.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
        ..world.change(&file.name, told, &["gender", "national_id", "profile"])
    };
    let updated = world.send(&world.here, request.clone()).await.unwrap();
    assert_eq!((updated.display_name.as_str(), updated.gender()), ("示例一", Gender::Female));
    assert_eq!(
        (updated.national_id.as_str(), updated.profile.clone()),
        ("1****************X", Some(profile()))
    );
    assert_ne!(updated.etag, file.etag);
    assert_eq!(world.file(&world.here, &file.name).await.unwrap(), updated);
    assert_eq!(world.send(&world.here, request.clone()).await.unwrap(), updated, "once only");
    let again = UpdateCustomerRequest { request_id: String::new(), etag: String::new(), ..request.clone() };
    assert_eq!(world.send(&world.here, again).await.unwrap(), updated, "nothing changes, nothing is told");
    let late = UpdateCustomerRequest { request_id: String::new(), ..request };
    let refused = refusal(world.send(&world.here, late).await);
    assert_eq!(refused, (Code::Aborted, "CUSTOMER_CHANGED".to_owned()));

    let told: Vec<CustomerUpdated> = world.stack.told().await.unwrap();
    assert_eq!(told.len(), 1);
    let changed = [
        "gender",
        "national_id",
        "profile.occupation",
        "profile.intended_models",
        "profile.car_use",
        "profile.budget",
        "profile.preferred_contact",
    ];
    assert_eq!(told[0].fields, changed);
    world.stack.settled().await.unwrap();
    let kinds = vec!["CUSTOMER_UPDATED".to_owned()];
    let timeline = ListTimelineEntriesRequest { parent: file.name.clone(), kinds, ..Default::default() };
    let entries = world.customers(&world.here).list_timeline_entries(timeline).await.unwrap().into_inner();
    let [entry] = &entries.timeline_entries[..] else { panic!("{entries:?}") };
    assert_eq!(
        (entry.details["fields"].as_str(), entry.details["source"].as_str()),
        (&*changed.join(","), "CALL")
    );

    let facts = world.facts(&world.here, &file.name, "gender").await;
    let gender = |gender: Gender| Some(Customer { gender: gender.into(), ..Customer::default() });
    assert_eq!(values(&facts.facts), [("gender", gender(Gender::Female)), ("gender", gender(Gender::Male))]);
    let [now, before] = &facts.facts[..] else { panic!("{facts:?}") };
    assert_eq!((now.source(), now.staff.clone()), (SourceChannel::Call, world.here.id.name()));
    assert_eq!((before.source(), before.staff.as_str()), (SourceChannel::WalkIn, ""));
    assert_eq!((now.learn_time, before.learn_time), (updated.update_time, file.create_time));
    let facts = world.facts(&world.here, &file.name, "").await;
    assert_eq!(facts.facts.len(), 8);
    assert!(facts.facts.iter().all(|fact| fact.store == world.hangzhou.name()));
    let name = Customer { display_name: "示例一".to_owned(), ..Customer::default() };
    assert_eq!(values(&facts.since_opening), [("display_name", Some(name))]);
    let number = facts.facts.iter().find(|fact| fact.field == "national_id").unwrap();
    assert_eq!(number.value.as_ref().unwrap().national_id, "1****************X");

    let request = RevealFieldRequest {
        name: file.name.clone(),
        field: SensitiveField::NationalId.into(),
        reason: "核对证件".to_owned(),
        ..RevealFieldRequest::default()
    };
    let shown = world.customers(&world.here).reveal_field(request).await.unwrap().into_inner();
    assert_eq!(shown.value, NATIONAL_ID);
    // Neither the record of what was, nor the audit log, nor the events say it.
    let owner = world.stack.owner().await.unwrap();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT string_agg(t::text || encode(sealed, 'escape'), '') FROM customer.facts t),
                       (SELECT string_agg(t::text, '') FROM customer.audit t),
                       (SELECT string_agg(encode(payload, 'escape'), '') FROM customer.outbox t),
                       (SELECT string_agg(t::text, '') FROM customer.timeline_entries t))",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    for secret in [NATIONAL_ID, "教师", "示例一", "20000000"] {
        assert!(!dump.contains(secret), "{secret} stands there");
    }
}

#[tokio::test]
async fn what_is_named_and_empty_is_emptied_and_without_a_mask_what_is_told_is_taken() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let lunar = Some(LunarDate { year: 1990, month: 5, leap_month: true, day: 10 });
    let told = Customer { lunar_birthday: lunar, profile: Some(profile()), ..Customer::default() };
    let updated = world.update(&world.here, &file.name, told, &[]).await.unwrap();
    assert_eq!((updated.lunar_birthday, updated.profile), (lunar, Some(profile())));
    assert_eq!(updated.display_name, "示例一");
    let birthday = Some(Date { year: 1990, month: 7, day: 2 });
    let told = Customer { birthday, ..Customer::default() };
    let mask = ["birthday", "lunar_birthday", "profile.budget"];
    let updated = world.update(&world.here, &file.name, told, &mask).await.unwrap();
    assert_eq!((updated.birthday, updated.lunar_birthday), (birthday, None));
    assert_eq!(updated.profile, Some(Profile { budget: None, ..profile() }));
    let facts = world.facts(&world.here, &file.name, "lunar_birthday").await.facts;
    let was = Customer { lunar_birthday: lunar, ..Customer::default() };
    assert_eq!(values(&facts), [("lunar_birthday", None), ("lunar_birthday", Some(was))]);
    let told = Customer { display_name: "示例改名".to_owned(), ..Customer::default() };
    let updated = world.update(&world.here, &file.name, told, &["*"]).await.unwrap();
    assert_eq!((updated.birthday, updated.profile), (None, None));
    assert_eq!(updated.display_name, "示例改名");
}

#[tokio::test]
async fn a_new_file_has_its_profile_and_a_reception_adds_what_it_lacks_with_its_origin() {
    let world = World::start().await;
    let short = Profile { occupation: "教师".to_owned(), ..Profile::default() };
    let file = Customer { profile: Some(short), ..person(world.hangzhou, "示例一", "13800001234") };
    let file = world.customers(&world.here).create_customer(creation(file)).await.unwrap().into_inner();
    assert_eq!(world.file(&world.here, &file.name).await.unwrap(), file);
    let told = Profile { occupation: "医生".to_owned(), ..profile() };
    let visitor = Customer { profile: Some(told), ..person(world.suzhou, "示例一", "13800001234") };
    let outcome = world.receive(&world.there, world.suzhou, visitor).await.visitor_outcome.unwrap();
    assert_eq!(outcome.not_taken, ["profile.occupation"]);
    assert_eq!(
        outcome.added,
        ["profile.intended_models", "profile.car_use", "profile.budget", "profile.preferred_contact"]
    );
    assert_eq!(world.file(&world.here, &file.name).await.unwrap().profile, Some(profile()));
    let facts = world.facts(&world.here, &file.name, "profile.budget").await.facts;
    assert_eq!((facts.len(), facts[0].store.as_str()), (1, ""), "which other store is not told");
    let facts = world.facts(&world.there, &file.name, "profile.budget").await.facts;
    assert_eq!(facts[0].store, world.suzhou.name());
}

#[tokio::test]
async fn a_national_id_is_on_one_file_however_many_write_at_once() {
    let world = World::start().await;
    let mut files = Vec::new();
    for number in 0..4 {
        let phone = format!("1380000123{number}");
        files.push(world.open(&world.here, world.hangzhou, &format!("示例{number}"), &phone).await.name);
    }
    let told = Customer { national_id: NATIONAL_ID.to_owned(), ..Customer::default() };
    let at_once = files.iter().map(|file| world.update(&world.here, file, told.clone(), &["national_id"]));
    let (done, refused): (Vec<_>, Vec<_>) = join_all(at_once).await.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 3));
    let holder = done.into_iter().next().unwrap().unwrap().name;
    for status in refused {
        let status = status.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::AlreadyExists, "CUSTOMER_EXISTS"));
        assert_eq!(info.metadata["customer"], holder);
    }

    // At another store it is not told whose, and only a few times that it is anybody's.
    let stranger = world.open(&world.there, world.suzhou, "示例九", "13800009999").await.name;
    let request =
        || UpdateCustomerRequest { store: world.suzhou.name(), ..world.change(&stranger, told.clone(), &[]) };
    // So many at one national id.
    for _ in 0..5 {
        let status = world.send(&world.there, request()).await.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.metadata.get("customer")), ("CUSTOMER_EXISTS", None));
    }
    let refused = refusal(world.send(&world.there, request()).await);
    assert_eq!(refused, (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned()));
}

#[tokio::test]
async fn a_change_needs_the_right_the_file_and_sound_fields() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let female = || Customer { gender: Gender::Female.into(), ..Customer::default() };
    let reader = world.stack.staff(&[Role::MarketingSpecialist], &[world.hangzhou]).unwrap();
    let refused = refusal(world.update(&reader, &file.name, female(), &[]).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    let theirs =
        UpdateCustomerRequest { store: world.suzhou.name(), ..world.change(&file.name, female(), &[]) };
    let refused = refusal(world.send(&world.there, theirs.clone()).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let refused = refusal(world.send(&world.here, theirs).await);
    assert_eq!(refused, (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
    let list = ListFactsRequest { parent: file.name.clone(), ..ListFactsRequest::default() };
    let refused = refusal(world.customers(&world.there).list_facts(list).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));

    let told = Customer { national_id: "1".to_owned(), ..Customer::default() };
    let wrong =
        UpdateCustomerRequest { store: String::new(), source: 0, ..world.change(&file.name, told, &["*"]) };
    let wrong = wrong_fields(world.send(&world.here, wrong).await);
    assert_eq!(wrong, ["customer.display_name", "customer.national_id", "source", "store"]);
    for path in ["contact_points", "stage", "profile.x", ""] {
        let refused = world.update(&world.here, &file.name, female(), &[path]).await;
        assert_eq!(wrong_fields(refused), ["update_mask"]);
    }
    let company = Customer {
        kind: CustomerKind::Organization.into(),
        ..person(world.hangzhou, "示例公司", "13800001235")
    };
    let company = world.customers(&world.here).create_customer(creation(company)).await.unwrap().into_inner();
    let told = Customer { national_id: NATIONAL_ID.to_owned(), ..Customer::default() };
    let refused = world.update(&world.here, &company.name, told, &[]).await;
    assert_eq!(wrong_fields(refused), ["customer.national_id"]);
}
