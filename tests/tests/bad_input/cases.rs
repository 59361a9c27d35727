//! What people really mistype, with what they are told.

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{api::Ask, methods::sound_body, world::on_stack};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Who, where, which sound body, what of it is mistyped, and the field that the refusal names.
type Case = (Role, &'static str, &'static str, &'static str, Value, &'static str);

fn mistyped() -> Vec<Case> {
    let (advisor, service) = (Role::SalesAdvisor, Role::ServiceAdvisor);
    let delivery =
        |pointer, value, field| (advisor, "/v1/deliveries", "CreateDelivery", pointer, value, field);
    let customer =
        |pointer, value, field| (advisor, "/v1/customers", "CreateCustomer", pointer, value, field);
    let visit = |pointer, value, field| (service, "/v1/visits", "CreateVisit", pointer, value, field);
    vec![
        // One digit of the VIN wrong: the check digit says so. A letter that no VIN has. One too few.
        delivery("/vin", json!("1M8GDM9AXKP042789"), "delivery.vin"),
        delivery("/vin", json!("1M8GDM9AXKPO42788"), "delivery.vin"),
        delivery("/vin", json!("1M8GDM9AXKP04278"), "delivery.vin"),
        delivery("/vin", json!(""), "delivery.vin"),
        delivery("/plate", json!("沪A1234"), "delivery.plate"),
        delivery("/plate", json!("沪I12345"), "delivery.plate"),
        delivery("/odometerKm", json!(3_000_001), "delivery.odometerKm"),
        delivery("/deliverTime", json!("2099-01-01T00:00:00Z"), "delivery.deliverTime"),
        delivery("/deliverTime", json!("1989-06-01T00:00:00Z"), "delivery.deliverTime"),
        delivery("/deliverTime", json!("2026-02-30T09:00:00Z"), "delivery.deliverTime"),
        delivery("/lead", json!("cases/0190b3a0-0000-7000-8000-000000000000"), "delivery.lead"),
        customer("/contactPoints/0/value", json!("1390000123"), "customer.contactPoints[0].value"),
        customer("/contactPoints/0/value", json!("139000012345"), "customer.contactPoints[0].value"),
        customer("/contactPoints/0/value", json!("call me"), "customer.contactPoints[0].value"),
        customer(
            "/contactPoints/0",
            json!({ "kind": "CONTACT_KIND_EMAIL", "value": "somebody" }),
            "customer.contactPoints[0].value",
        ),
        customer(
            "/contactPoints/0",
            json!({ "kind": "CONTACT_KIND_EMAIL", "value": "a@b@example.com" }),
            "customer.contactPoints[0].value",
        ),
        // Two digits exchanged.
        customer("/nationalId", json!("11010519900517020X"), "customer.nationalId"),
        customer("/nationalId", json!("110105199002300028"), "customer.nationalId"),
        customer("/birthday", json!({ "year": 2026, "month": 2, "day": 30 }), "customer.birthday"),
        customer("/birthday", json!({ "year": 2099, "month": 1, "day": 1 }), "customer.birthday"),
        customer("/birthday", json!({ "year": 1899, "month": 12, "day": 31 }), "customer.birthday"),
        // 1990 had a leap 5th month and no leap 4th.
        customer("/lunarBirthday/leapMonth", json!(true), "customer.lunarBirthday.leapMonth"),
        customer("/lunarBirthday/day", json!(31), "customer.lunarBirthday.day"),
        customer("/displayName", json!("   "), "customer.displayName"),
        customer("/displayName", json!("名".repeat(101)), "customer.displayName"),
        customer("/kind", json!("CUSTOMER_KIND_UNSPECIFIED"), "customer.kind"),
        customer("/store", json!("stores/SH01"), "customer.store"),
        visit("/odometerKm", json!(-1), "visit.odometerKm"),
        visit("/odometerKm", json!(1), "visit.odometerKm"),
        visit("/kind", json!(6), "visit.kind"),
        visit("/promiseTime", json!("2020-01-05T09:30:00Z"), "visit.promiseTime"),
        visit("/promiseTime", json!("2206-01-05T09:30:00Z"), "visit.promiseTime"),
    ]
}

#[test]
fn what_people_mistype_is_told_by_its_field() -> Result<()> {
    on_stack(async |world| {
        for (role, path, method, pointer, value, field) in mistyped() {
            let person = world.api.person(role, &world.story.store).await?;
            let mut body = sound_body(method, &world.names).context(method)?;
            *body.pointer_mut(pointer).with_context(|| pointer.to_owned())? = value.clone();
            let answer = world.api.send(Ask::new(Method::POST, path).by(&person).json(&body)).await?;
            ensure!(
                answer.status == StatusCode::BAD_REQUEST,
                "{pointer} = {value}: {} {}",
                answer.status,
                answer.text
            );
            ensure!(answer.fields() == [field], "{pointer} = {value}: {}", answer.text);
        }
        Ok(())
    })
}

#[test]
fn all_that_is_wrong_is_told_at_once() -> Result<()> {
    on_stack(async |world| {
        let advisor = world.api.person(Role::SalesAdvisor, &world.story.store).await?;
        let mut body = sound_body("CreateDelivery", &world.names).context("a sound body")?;
        for (field, value) in
            [("vin", json!("1")), ("plate", json!("?")), ("odometerKm", json!(-5)), ("model", json!(""))]
        {
            body[field] = value;
        }
        let answer =
            world.api.send(Ask::new(Method::POST, "/v1/deliveries").by(&advisor).json(&body)).await?;
        let mut fields = answer.fields();
        fields.sort();
        ensure!(
            fields == ["delivery.model", "delivery.odometerKm", "delivery.plate", "delivery.vin"],
            "not all of it is told: {}",
            answer.text
        );
        Ok(())
    })
}
