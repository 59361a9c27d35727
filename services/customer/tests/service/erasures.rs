//! The right to be forgotten: what is erased, who may ask for it, what stands against it, and that nobody comes back.

use foursight_kernel::{CustomerId, ErasureId};
use foursight_proto::{
    analytics::events::v1::CustomerDataErased as ByAnalytics,
    complaint::events::v1::CustomerDataErased as ByComplaint,
    customer::{
        events::v1::{CustomerErased, VisitCompleted},
        v1::{
            Consent, ConsentState, ContactKind, Customer, ErasedTable, Erasure, ErasureGround, ErasureState,
            GetErasureRequest, ListCustomersRequest, ListErasuresRequest, PreviewErasureRequest,
            PreviewErasureResponse, Purpose, RecordConsentRequest, RequestErasureRequest,
            privacy_service_client::PrivacyServiceClient,
        },
    },
    identity::v1::Role,
    notification::events::v1::CustomerDataErased as ByNotification,
};
use foursight_testkit::{Caller, CallerChannel, metadata, reason, refusal, wrong_fields};
use sqlx::{AssertSqlSafe, PgPool};
use tonic::{Code, Status};

use crate::{
    imports::import,
    world::{World, contact, creation, delivery, person},
};

const VIN: &str = "LSVAA4182E2000001";
pub(crate) const NAME: &str = "忘川示例";
const PHONE: &str = "13800008801";
const NATIONAL_ID: &str = "11010519900517002X";
pub(crate) const EMAIL: &str = "forget.me@example.com";
const PLATE: &str = "沪A88801";

impl World {
    fn privacy(&self, caller: &Caller) -> PrivacyServiceClient<CallerChannel> {
        PrivacyServiceClient::new(self.stack.channel("customer", caller))
    }

    pub(crate) fn director(&self) -> Caller {
        self.stack.headquarters(&[Role::GroupDirector]).unwrap()
    }

    pub(crate) async fn preview(&self, by: &Caller, name: &str) -> Result<PreviewErasureResponse, Status> {
        let request = PreviewErasureRequest { name: name.to_owned() };
        Ok(self.privacy(by).preview_erasure(request).await?.into_inner())
    }

    pub(crate) async fn erase(&self, by: &Caller, name: &str) -> Erasure {
        let etag = self.preview(by, name).await.unwrap().etag;
        self.privacy(by).request_erasure(asked(name, &etag)).await.unwrap().into_inner()
    }

    async fn erasure(&self, by: &Caller, name: &str) -> Erasure {
        let request = GetErasureRequest { name: name.to_owned() };
        self.privacy(by).get_erasure(request).await.unwrap().into_inner()
    }

    /// Somebody of whom there is something of each kind.
    pub(crate) async fn somebody(&self) -> Customer {
        let mut customer = person(self.hangzhou, NAME, PHONE);
        NATIONAL_ID.clone_into(&mut customer.national_id);
        customer.contact_points.push(contact(ContactKind::Email, EMAIL));
        let opened =
            self.customers(&self.here).create_customer(creation(customer)).await.unwrap().into_inner();
        let consent = Consent {
            purpose: Purpose::Service.into(),
            contact_kind: ContactKind::Phone.into(),
            state: ConsentState::Given.into(),
            method: "on paper, by the customer's sister".to_owned(),
            wording_version: "2026-01".to_owned(),
            ..Consent::default()
        };
        let consent = RecordConsentRequest {
            parent: opened.name.clone(),
            consent: Some(consent),
            ..Default::default()
        };
        self.consents(&self.here).record_consent(consent).await.unwrap();
        self.lead(&self.here, self.hangzhou, &opened.name).await;
        let told = foursight_proto::customer::v1::Delivery {
            plate: PLATE.to_owned(),
            advisor: self.here.id.name(),
            deliver_time: Some(foursight_kernel::time::to_proto(foursight_kernel::Clock::now(
                &*self.stack.clock,
            ))),
            ..delivery(&opened.name, self.hangzhou, VIN)
        };
        self.deliver(&self.here, told).await.unwrap();
        self.stack.settled().await.unwrap();
        opened
    }
}

fn asked(name: &str, etag: &str) -> RequestErasureRequest {
    RequestErasureRequest {
        name: name.to_owned(),
        ground: ErasureGround::CustomerRequest.into(),
        reference: "2026/0042".to_owned(),
        etag: etag.to_owned(),
        request_id: String::new(),
    }
}

/// Every row of the schema as text, with binary columns in hexadecimal.
pub(crate) async fn dump(owner: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'customer'::regnamespace AND relkind = 'r'",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let all = format!("SELECT to_jsonb(t)::text FROM customer.{table} t");
        let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(all)).fetch_all(owner).await.unwrap();
        rows.extend(found.into_iter().map(|row| (table.clone(), row)));
    }
    rows
}

fn tables_with(rows: &[(String, String)], what: &str) -> Vec<String> {
    let mut found: Vec<String> =
        rows.iter().filter(|(_, row)| row.contains(what)).map(|(table, _)| table.clone()).collect();
    found.dedup();
    found
}

#[tokio::test]
async fn nothing_of_an_erased_customer_is_left_but_what_is_nobodys() {
    let world = World::start().await;
    let (director, owner) = (world.director(), world.stack.owner().await.unwrap());
    let customer = world.somebody().await;
    let sealed: Vec<String> = sqlx::query_scalar(
        "SELECT encode(sealed, 'hex') FROM customer.contact_points UNION SELECT encode(hash, 'hex') FROM customer.contact_points
         UNION SELECT encode(wrapped, 'hex') FROM customer.customer_keys
         UNION SELECT encode(national_id_hash, 'hex') FROM customer.customers",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    let before = dump(&owner).await;
    for there in [NAME, PLATE, "sister", "Demo X"].into_iter().chain(sealed.iter().map(String::as_str)) {
        assert!(!tables_with(&before, there).is_empty(), "{there} was never there");
    }

    let preview = world.preview(&director, &customer.name).await.unwrap();
    let counts =
        |name: &str| preview.tables.iter().find(|it| it.table == name).map(|it| (it.removed, it.blanked));
    assert_eq!(counts("contact_points"), Some((2, 0)), "{preview:?}");
    assert_eq!(counts("customer_keys"), Some((1, 0)));
    assert_eq!(counts("deliveries"), Some((0, 1)));
    assert!(counts("timeline_entries").unwrap().0 > 2);
    assert!(preview.obstacles.is_empty());

    let erasure = world.erase(&director, &customer.name).await;
    assert_eq!(erasure.state(), ErasureState::Running);
    assert_eq!(erasure.waiting_for, ["analytics", "complaint", "notification"]);
    assert_eq!((erasure.answers.len(), erasure.requester.as_str()), (1, director.id.name().as_str()));
    world.stack.settled().await.unwrap();
    let after = dump(&owner).await;
    for gone in [NAME, PHONE, EMAIL, NATIONAL_ID, PLATE, "sister"]
        .into_iter()
        .chain(sealed.iter().map(String::as_str))
    {
        assert_eq!(tables_with(&after, gone), Vec::<String>::new(), "{gone} is left");
    }
    let (_, row) =
        after.iter().find(|(table, row)| table == "customers" && row.contains("erase_time")).unwrap();
    assert!(row.contains(r#""display_name": """#), "{row}");
    // What was sold is still on record, at its store.
    assert_eq!(after.iter().filter(|(table, _)| table == "deliveries").count(), 1);

    // Nobody finds it.
    let all = ListCustomersRequest { with_total_size: true, ..Default::default() };
    for caller in [&world.here, &world.headquarters] {
        let request =
            ListCustomersRequest { q: NAME.to_owned(), with_total_size: true, ..Default::default() };
        let found = world.customers(caller).list_customers(request).await.unwrap().into_inner();
        assert!(found.customers.is_empty());
        let found = world.customers(caller).list_customers(all.clone()).await.unwrap().into_inner();
        assert!(found.customers.is_empty() && found.total_size == 0, "{found:?}");
    }
    assert_eq!(
        refusal(world.file(&world.here, &customer.name).await),
        (Code::NotFound, "CUSTOMER_NOT_FOUND".into())
    );
    let refused = world.file(&director, &customer.name).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "CUSTOMER_ERASED"));
    assert_eq!(metadata(&refused, "erasure"), Some(erasure.name.clone()));
    assert_eq!(refusal(world.preview(&director, &customer.name).await).1, "CUSTOMER_ERASED");
    // Nothing can be begun with it either, by anybody.
    let lead = crate::world::lead(world.hangzhou, &customer.name);
    assert_eq!(refusal(world.try_lead(&world.headquarters, lead).await).1, "CUSTOMER_NOT_FOUND");
    // The phone is free, and so is the id number.
    let mut again = person(world.suzhou, NAME, PHONE);
    NATIONAL_ID.clone_into(&mut again.national_id);
    let fresh = world.customers(&world.there).create_customer(creation(again)).await.unwrap().into_inner();
    assert_ne!(fresh.name, customer.name);
}

#[tokio::test]
async fn the_last_answer_seals_what_all_have_done_and_what_came_late_is_gone() {
    let world = World::start().await;
    let (director, owner) = (world.director(), world.stack.owner().await.unwrap());
    let customer = world.somebody().await;
    let id = CustomerId::parse_name(&customer.name).unwrap();
    let erasure = world.erase(&director, &customer.name).await;
    let told = world.stack.told::<CustomerErased>().await.unwrap();
    assert_eq!(
        told,
        [CustomerErased {
            customer: customer.name.clone(),
            erasure: erasure.name.clone(),
            absorbed: Vec::new(),
        }]
    );

    // Something was under way when the file went, and something is told late.
    sqlx::query(
        "INSERT INTO customer.timeline_entries (customer_id, event_id, kind, resource, occur_time, place, details)
         VALUES ($1, gen_random_uuid(), 'LATE', '', now(), 1, '{}')",
    )
    .bind(id.uuid())
    .execute(&owner)
    .await
    .unwrap();
    let late = VisitCompleted {
        customer: customer.name.clone(),
        store: world.hangzhou.name(),
        ..Default::default()
    };
    world.stack.tell(&late, world.stack.ids.uuid(), 1, Some(world.hangzhou)).await.unwrap();

    let aggregate = ErasureId::parse_name(&erasure.name).unwrap().uuid();
    let tables = vec![ErasedTable { table: "messages".to_owned(), removed: 3, blanked: 0, kept: 0 }];
    let (customer_name, name) = (customer.name.clone(), erasure.name.clone());
    let answer = ByNotification { customer: customer_name.clone(), erasure: name.clone(), tables };
    // Twice, as it may happen.
    for _ in 0..2 {
        world.stack.tell(&answer, aggregate, 1, None).await.unwrap();
    }
    let answer = ByComplaint { customer: customer_name.clone(), erasure: name.clone(), tables: Vec::new() };
    world.stack.tell(&answer, aggregate, 1, None).await.unwrap();
    world.stack.settled().await.unwrap();
    let running = world.erasure(&director, &name).await;
    assert_eq!((running.state(), running.waiting_for), (ErasureState::Running, vec!["analytics".to_owned()]));
    assert!(running.certificate.is_empty() && running.seal.is_empty());

    // Whoever dies meanwhile goes on.
    let world = World { stack: world.stack.restart().await.unwrap(), ..world };
    let answer = ByAnalytics { customer: customer_name, erasure: name.clone(), tables: Vec::new() };
    world.stack.tell(&answer, aggregate, 1, None).await.unwrap();
    world.stack.settled().await.unwrap();
    let done = world.erasure(&director, &name).await;
    assert_eq!((done.state(), done.waiting_for.len(), done.answers.len()), (ErasureState::Completed, 0, 4));
    let certificate: serde_json::Value = serde_json::from_str(&done.certificate).unwrap();
    assert_eq!(certificate["customer"], customer.name);
    assert_eq!(certificate["reference"], "2026/0042");
    assert_eq!(certificate["services"].as_array().unwrap().len(), 4);
    let sealed: String = sqlx::query_scalar("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')")
        .bind(&done.certificate)
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(done.seal, sealed);
    let recorded: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM customer.audit WHERE method = 'CompleteErasure' AND detail ->> 'seal' = $1",
    )
    .bind(&sealed)
    .fetch_one(&owner)
    .await
    .unwrap();
    assert_eq!(recorded, 1);
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.timeline_entries WHERE customer_id = $1")
            .bind(id.uuid())
            .fetch_one(&owner)
            .await
            .unwrap();
    assert_eq!(left, 0);
    let list =
        world.privacy(&director).list_erasures(ListErasuresRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.erasures.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);
    let running = ListErasuresRequest { state: ErasureState::Running.into(), ..Default::default() };
    assert!(world.privacy(&director).list_erasures(running).await.unwrap().into_inner().erasures.is_empty());
}

#[tokio::test]
async fn an_erasure_is_for_who_owns_privacy_and_needs_what_was_previewed() {
    let world = World::start().await;
    let director = world.director();
    let customer = world.open(&world.here, world.hangzhou, NAME, PHONE).await;
    for caller in [&world.here, &world.there, &world.headquarters, &world.supervisor] {
        assert_eq!(refusal(world.preview(caller, &customer.name).await).1, "RIGHT_MISSING");
        let answer = world.privacy(caller).request_erasure(asked(&customer.name, "x")).await;
        assert_eq!(refusal(answer), (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
        let answer = world.privacy(caller).list_erasures(ListErasuresRequest::default()).await;
        assert_eq!(refusal(answer).1, "RIGHT_MISSING");
    }
    // A director of some stores is none.
    let some = world.stack.staff(&[Role::GroupDirector], &[world.hangzhou]).unwrap();
    assert_eq!(refusal(world.preview(&some, &customer.name).await).1, "RIGHT_MISSING");

    let wrong = RequestErasureRequest {
        name: "customers/nobody".to_owned(),
        reference: "the one of Mr. 示例".to_owned(),
        etag: String::new(),
        request_id: "?".to_owned(),
        ground: 99,
    };
    let answer = world.privacy(&director).request_erasure(wrong).await;
    assert_eq!(wrong_fields(answer), ["etag", "ground", "name", "reference", "request_id"]);

    let preview = world.preview(&director, &customer.name).await.unwrap();
    world.lead(&world.here, world.hangzhou, &customer.name).await;
    let answer = world.privacy(&director).request_erasure(asked(&customer.name, &preview.etag)).await;
    assert_eq!(refusal(answer), (Code::Aborted, "CUSTOMER_CHANGED".to_owned()));

    // The same request twice is one erasure; another one with its id is refused.
    let etag = world.preview(&director, &customer.name).await.unwrap().etag;
    let request_id = world.stack.ids.uuid().to_string();
    let asked = RequestErasureRequest { request_id, ..asked(&customer.name, &etag) };
    let first = world.privacy(&director).request_erasure(asked.clone()).await.unwrap().into_inner();
    let again = world.privacy(&director).request_erasure(asked.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = RequestErasureRequest { reference: "2026/0043".to_owned(), ..asked };
    assert_eq!(refusal(world.privacy(&director).request_erasure(other).await).1, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_car_in_the_workshop_stands_against_it() {
    let world = World::start().await;
    let director = world.director();
    let customer = world.somebody().await;
    let cars = foursight_proto::customer::v1::ListVehiclesRequest {
        customer: customer.name.clone(),
        ..Default::default()
    };
    let car = world.vehicles(&world.here).list_vehicles(cars).await.unwrap().into_inner().vehicles.remove(0);
    let visit = world.check_in(&world.here, world.hangzhou, &car.name, 100).await.unwrap();
    let preview = world.preview(&director, &customer.name).await.unwrap();
    assert_eq!(preview.obstacles, ["VISIT_OPEN"]);
    let refused =
        world.privacy(&director).request_erasure(asked(&customer.name, &preview.etag)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ERASURE_BLOCKED"));
    assert_eq!(metadata(&refused, "obstacle").as_deref(), Some("VISIT_OPEN"));
    assert!(world.file(&world.here, &customer.name).await.is_ok());

    world.hand_back(&world.here, &visit.name).await;
    // It is the owner's, too, when somebody else has brought it.
    let sister = world.open(&world.here, world.hangzhou, "示例妹", "13800008899").await;
    let brought = foursight_proto::customer::v1::Visit {
        customer: sister.name,
        vehicle: car.name.clone(),
        ..crate::world::visit(world.hangzhou, 200)
    };
    let visit = world.try_check_in(&world.here, brought).await.unwrap();
    assert_eq!(world.preview(&director, &customer.name).await.unwrap().obstacles, ["VISIT_OPEN"]);
    world.hand_back(&world.here, &visit.name).await;
    world.erase(&director, &customer.name).await;
    // The car goes on without an owner, and without a plate.
    let car = world.vehicle(&director, &car.name).await.unwrap();
    assert_eq!((car.owner.as_str(), car.plate.as_str()), ("", ""));
    assert_eq!(refusal(world.vehicle(&world.here, &car.name).await).0, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_being_brought_in_stands_against_it() {
    let world = World::start().await;
    let director = world.director();
    let customer = world.somebody().await;
    let rows: Vec<String> = (0..5_000).map(|row| format!("示例{row},138{row:08}")).collect();
    let table = format!("姓名,手机\n{}\n{NAME},{PHONE}\n", rows.join("\n"));
    let etag = world.preview(&director, &customer.name).await.unwrap().etag;
    let run = world.upload(&world.here, import(world.hangzhou), table.as_bytes()).await;
    world.start_import(&world.here, &run, false).await.unwrap();
    assert_eq!(world.preview(&director, &customer.name).await.unwrap().obstacles, ["IMPORT_UNDER_WAY"]);
    let refused = world.privacy(&director).request_erasure(asked(&customer.name, &etag)).await.unwrap_err();
    assert_eq!(metadata(&refused, "obstacle").as_deref(), Some("IMPORT_UNDER_WAY"));
    world.follow(&world.here, &run).await;
    world.erase(&director, &customer.name).await;
}
