//! Opening and reading files.

use std::{fmt::Write, time::Duration};

use foursight_proto::customer::events::v1::CustomerCreated;
use foursight_proto::customer::v1::{
    ContactKind, CreateCustomerRequest, Customer, CustomerKind, LifeCycleStage, RevealFieldRequest,
    SensitiveField,
};
use foursight_proto::identity::v1::Role;
use foursight_testkit::{refusal, wrong_fields};
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{World, contact, creation, person};

const NATIONAL_ID: &str = "11010519491231002X";

#[tokio::test]
async fn a_file_reads_back_masked_and_stands_sealed() {
    let world = World::start().await;
    let customer = Customer {
        national_id: NATIONAL_ID.to_owned(),
        contact_points: vec![
            contact(ContactKind::Phone, "138 0000 1234"),
            contact(ContactKind::Email, "demo.one@example.com"),
            contact(ContactKind::Wechat, "demo_one_wx"),
            contact(ContactKind::Address, "浙江省杭州市示例路一百二十三号四单元"),
        ],
        ..person(world.hangzhou, "示例一", "")
    };
    let made = world.customers(&world.here).create_customer(creation(customer)).await.unwrap().into_inner();
    assert_eq!(made.stage(), LifeCycleStage::Prospect);
    assert_eq!(made.stores, [world.hangzhou.name()]);
    let values: Vec<&str> = made.contact_points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(values, ["138****1234", "d***@example.com", "d***", "浙江省杭州市***"]);
    assert_eq!(world.file(&world.here, &made.name).await.unwrap(), made);

    let told: Vec<CustomerCreated> = world.stack.told().await.unwrap();
    assert_eq!((told.len(), told[0].customer.as_str()), (1, made.name.as_str()));

    // The whole schema as text, read by its owner: no sensitive value stands in it anywhere.
    let owner = world.stack.owner().await.unwrap();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT string_agg(t::text, '') FROM customer.customers t),
                       (SELECT string_agg(t::text, '') FROM customer.contact_points t),
                       (SELECT string_agg(t::text, '') FROM customer.customer_keys t),
                       (SELECT string_agg(t::text || encode(payload, 'escape'), '') FROM customer.outbox t),
                       (SELECT string_agg(t::text, '') FROM customer.audit t),
                       (SELECT string_agg(t::text, '') FROM customer.timeline_entries t))",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(dump.contains("示例一"));
    for secret in ["13800001234", "demo.one", "demo_one_wx", "示例路", NATIONAL_ID, "19491231"] {
        assert!(!dump.contains(secret), "{secret} stands in the database");
        let mut in_hexadecimal = String::new();
        secret.bytes().for_each(|byte| write!(in_hexadecimal, "{byte:02x}").unwrap());
        assert!(!dump.contains(&in_hexadecimal), "{secret} stands in the database");
    }
}

#[tokio::test]
async fn every_wrong_field_is_told_at_once() {
    let world = World::start().await;
    let wrong = Customer {
        kind: CustomerKind::Person.into(),
        national_id: "110105194912310021".to_owned(),
        contact_points: vec![contact(ContactKind::Phone, "12"), contact(ContactKind::Email, "nobody")],
        ..person(world.hangzhou, "", "")
    };
    let wrong = Customer { display_name: "x".repeat(101), ..wrong };
    let request = CreateCustomerRequest { customer: Some(wrong), request_id: "7".to_owned() };
    let answer = world.customers(&world.here).create_customer(request).await;
    assert_eq!(
        wrong_fields(answer),
        [
            "customer.contact_points[0].value",
            "customer.contact_points[1].value",
            "customer.display_name",
            "customer.national_id",
            "request_id"
        ]
    );
}

#[tokio::test]
async fn a_person_has_one_file_which_is_named_only_to_who_may_see_it() {
    let world = World::start().await;
    let made = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;

    let again = creation(person(world.hangzhou, "示例二", "+86 138-0000-1234"));
    let status = world.customers(&world.here).create_customer(again).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::AlreadyExists, "CUSTOMER_EXISTS"));
    assert_eq!(info.metadata.get("customer"), Some(&made.name));

    let elsewhere = creation(person(world.suzhou, "示例二", "13800001234"));
    let status = world.customers(&world.there).create_customer(elsewhere).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::AlreadyExists, "CUSTOMER_EXISTS"));
    assert_eq!(info.metadata.get("customer"), None);
    assert_eq!(info.metadata.get("found_by").map(String::as_str), Some("CreateReception"));
    assert!(!status.message().contains("1234"));
    assert!(status.message().contains("reception") && !status.message().contains("ROLE_"));

    // Who may not receive learns who may. And so it is: a reception finds the file.
    let enrols = world.stack.staff(&[Role::MemberSpecialist], &[world.suzhou]).unwrap();
    let elsewhere = creation(person(world.suzhou, "示例一", "13800001234"));
    let status = world.customers(&enrols).create_customer(elsewhere).await.unwrap_err();
    assert!(status.message().contains("ROLE_SERVICE_ADVISOR"), "{}", status.message());
    for role in [Role::CrManager, Role::Supervisor] {
        assert!(status.message().contains(role.as_str_name()), "{}", status.message());
        let counter = world.stack.staff(&[role], &[world.suzhou]).unwrap();
        let received =
            world.receive(&counter, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
        assert_eq!(received.customer, made.name);
    }
}

#[tokio::test]
async fn an_organization_may_share_its_phone() {
    let world = World::start().await;
    let organization = |name| Customer {
        kind: CustomerKind::Organization.into(),
        ..person(world.hangzhou, name, "021-61234567")
    };
    world.customers(&world.here).create_customer(creation(organization("示例公司"))).await.unwrap();
    world.customers(&world.here).create_customer(creation(organization("示例工厂"))).await.unwrap();
}

#[tokio::test]
async fn fifty_writers_make_one_file() {
    let world = World::start().await;
    let writers = (0..50).map(|number| {
        let mut client = world.customers(&world.here);
        let customer = Customer {
            contact_points: vec![
                contact(ContactKind::Phone, "13800001234"),
                contact(ContactKind::Phone, "13900005678"),
            ],
            national_id: if number % 2 == 0 { NATIONAL_ID.to_owned() } else { String::new() },
            ..person(world.hangzhou, &format!("示例{number}"), "")
        };
        tokio::spawn(async move { client.create_customer(creation(customer)).await })
    });
    let mut made = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(_) => made += 1,
            Err(status) => assert_eq!(refusal::<()>(Err(status)).1, "CUSTOMER_EXISTS"),
        }
    }
    assert_eq!(made, 1);
    let owner = world.stack.owner().await.unwrap();
    let files: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.customers").fetch_one(&owner).await.unwrap();
    assert_eq!(files, 1);
}

#[tokio::test]
async fn the_same_request_again_answers_with_the_same_file() {
    let world = World::start().await;
    let request = CreateCustomerRequest {
        customer: Some(person(world.hangzhou, "示例一", "13800001234")),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let writers = (0..10).map(|_| {
        let (mut client, request) = (world.customers(&world.here), request.clone());
        tokio::spawn(async move { client.create_customer(request).await })
    });
    let mut names = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        names.push(writer.await.unwrap().unwrap().into_inner().name);
    }
    names.dedup();
    assert_eq!(names.len(), 1);

    let other = CreateCustomerRequest {
        customer: Some(person(world.hangzhou, "示例一", "13900005678")),
        ..request.clone()
    };
    let answer = world.customers(&world.here).create_customer(other).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    let elsewhere =
        CreateCustomerRequest { customer: Some(person(world.suzhou, "示例一", "13900005678")), ..request };
    let answer = world.customers(&world.there).create_customer(elsewhere).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
}

#[tokio::test]
async fn a_fact_is_shown_whole_with_a_reason_that_is_kept() {
    let world = World::start().await;
    let customer = Customer {
        national_id: NATIONAL_ID.to_owned(),
        ..person(world.hangzhou, "示例一", "13800001234")
    };
    let made = world.customers(&world.here).create_customer(creation(customer)).await.unwrap().into_inner();
    let request = RevealFieldRequest {
        name: made.name.clone(),
        field: SensitiveField::ContactPoint.into(),
        contact_point: made.contact_points[0].name.clone(),
        reason: "customer asked to be called back".to_owned(),
    };
    let shown = world.customers(&world.here).reveal_field(request.clone()).await.unwrap().into_inner();
    assert_eq!(shown.value, "+8613800001234");
    let whole = RevealFieldRequest {
        field: SensitiveField::NationalId.into(),
        contact_point: String::new(),
        ..request.clone()
    };
    let shown = world.customers(&world.here).reveal_field(whole).await.unwrap().into_inner();
    assert_eq!(shown.value, NATIONAL_ID);

    let owner = world.stack.owner().await.unwrap();
    let rows: Vec<(String, String, serde_json::Value)> = sqlx::query_as(
        "SELECT subject, resource, detail FROM customer.audit WHERE method = 'RevealField' ORDER BY seq",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].0, world.here.id.name());
    assert_eq!(rows[0].1, made.contact_points[0].name);
    assert_eq!(rows[0].2["reason"], "customer asked to be called back");
    assert_eq!(rows[0].2["field"], "Phone");
    assert_eq!(rows[1].2["field"], "NationalId");

    let short = RevealFieldRequest { reason: "?".to_owned(), ..request.clone() };
    assert_eq!(wrong_fields(world.customers(&world.here).reveal_field(short).await), ["reason"]);
    let stranger = world.customers(&world.there).reveal_field(request.clone()).await;
    assert_eq!(refusal(stranger).0, Code::NotFound);
    let without_right = world
        .stack
        .staff(&[foursight_proto::identity::v1::Role::MarketingSpecialist], &[world.hangzhou])
        .unwrap();
    let answer = world.customers(&without_right).reveal_field(request).await;
    assert_eq!(refusal(answer).0, Code::PermissionDenied);
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM customer.audit WHERE method = 'RevealField'")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(kept, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_given_up_keeps_nobody_waiting() {
    let world = World::start().await;
    let db = world.stack.db("customer");
    let slow = db.ask(|| sqlx::query("SELECT pg_sleep(3600)").try_map(|_| Ok(())));
    assert!(tokio::time::timeout(Duration::from_millis(200), slow).await.is_err());
    // The connection that was used last is the next one to be used.
    let quick = db.ask(|| sqlx::query("SELECT 1").try_map(|_| Ok(())));
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), quick).await.unwrap().unwrap().len(), 1);
}
