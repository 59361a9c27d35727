//! From the walk-in to the car, and the follow-up that falls due with it.

use anyhow::{Context, Result, ensure};
use foursight_customer::vehicles::vin;
use jiff::Timestamp;
use rand::Rng;
use serde_json::json;

use super::{Story, cast::People, expect};

/// What the sale has made.
#[derive(Debug)]
pub(super) struct Sale {
    pub(super) customer: String,
    pub(super) lead: String,
    pub(super) delivery: String,
    pub(super) vehicle: String,
    pub(super) call_task: String,
}

pub(super) async fn play(story: &Story, people: &People) -> Result<Sale> {
    let customer = walk_in(story, people).await.context("the walk-in")?;
    let lead = lead(story, people, &customer).await.context("the lead")?;
    let (delivery, vehicle) = delivery(story, people, &customer, &lead).await.context("the delivery")?;
    let call_task =
        follow_up(story, people, &customer, &delivery).await.context("what falls due after the delivery")?;
    Ok(Sale { customer, lead, delivery, vehicle, call_task })
}

async fn walk_in(story: &Story, people: &People) -> Result<String> {
    let digits: u32 = rand::rng().random_range(0..100_000_000);
    let (phone, email) = (format!("139{digits:08}"), format!("owner{digits:08}@example.com"));
    let reception = json!({
        "store": people.store,
        "kind": "RECEPTION_KIND_WALK_IN",
        "intendedModel": "远山 S7",
        "visitor": {
            "kind": "CUSTOMER_KIND_PERSON",
            "displayName": "苏明远",
            "gender": "GENDER_MALE",
            "store": people.store,
            "source": "SOURCE_CHANNEL_WALK_IN",
            "contactPoints": [
                { "kind": "CONTACT_KIND_PHONE", "value": phone },
                { "kind": "CONTACT_KIND_EMAIL", "value": email },
            ],
        },
    });
    let reception = story.client.create(&people.intention_specialist, "/v1/receptions", &reception).await?;
    let customer = reception.text("customer");
    ensure!(!customer.is_empty(), "the reception names no customer");
    let file = story.client.get(&people.sales_advisor, &format!("/v1/{customer}")).await?;
    ensure!(!file.0.to_string().contains(&phone), "the phone is shown whole");
    let search = json!({ "q": phone });
    let found = story.client.post(&people.sales_advisor, "/v1/customers:search", &search).await?;
    let found = found.list("customers");
    ensure!(
        matches!(&found[..], [only] if only.text("name") == customer),
        "the file is not found by its phone"
    );
    story
        .tell("a walk-in is registered, and the file is opened", &[reception.text("name"), customer.clone()]);

    let consent = json!({
        "purpose": "PURPOSE_SERVICE",
        "contactKind": "CONTACT_KIND_EMAIL",
        "state": "CONSENT_STATE_GIVEN",
        "method": "counter",
        "wordingVersion": "2026-01",
    });
    let path = format!("/v1/{customer}/consents");
    let consent = story.client.create(&people.intention_specialist, &path, &consent).await?;
    story.tell("the customer agrees to service e-mail", &[consent.text("name")]);
    Ok(customer)
}

async fn lead(story: &Story, people: &People, customer: &str) -> Result<String> {
    let lead = json!({
        "customer": customer,
        "store": people.store,
        "source": "SOURCE_CHANNEL_WALK_IN",
        "intendedModel": "远山 S7",
        "owner": people.sales_advisor.name,
    });
    let lead = story.client.create(&people.intention_specialist, "/v1/leads", &lead).await?.text("name");
    let grade = json!({ "grade": "LEAD_GRADE_H" });
    let graded = story.client.step(&people.sales_advisor, &format!("/v1/{lead}:grade"), &grade).await?;
    expect(&graded.0, "grade", "LEAD_GRADE_H")?;
    let due: Timestamp = graded.text("nextFollowUpTime").parse().context("nextFollowUpTime")?;
    story.tell(
        &format!("the lead is graded H; its next follow-up is due at {due}"),
        std::slice::from_ref(&lead),
    );
    Ok(lead)
}

async fn delivery(story: &Story, people: &People, customer: &str, lead: &str) -> Result<(String, String)> {
    let serial: u32 = rand::rng().random_range(0..1_000_000);
    let vin = vin::with_check_digit(&format!("LFV3A2340R3{serial:06}")).context("a VIN for the story")?;
    let delivery = json!({
        "customer": customer,
        "store": people.store,
        "lead": lead,
        "vin": vin,
        "model": "远山 S7",
        "colour": "墨绿",
        "odometerKm": 12,
    });
    let delivery = story.client.create(&people.sales_advisor, "/v1/deliveries", &delivery).await?;
    let (name, vehicle) = (delivery.text("name"), delivery.text("vehicle"));
    let won = story.client.get(&people.sales_advisor, &format!("/v1/{lead}")).await?;
    expect(&won.0, "state", "LEAD_STATE_WON")?;
    story.tell("the car is delivered, the lead is won", &[name.clone(), vehicle.clone()]);
    Ok((name, vehicle))
}

async fn follow_up(story: &Story, people: &People, customer: &str, delivery: &str) -> Result<String> {
    let path = format!("/v1/callTasks?customer={customer}");
    let task = story
        .wait_for("a 7DC call task appears", || async {
            let tasks = story.client.get(&people.follow_up_specialist, &path).await?.list("callTasks");
            Ok(tasks.into_iter().find(|task| task.text("subject") == delivery))
        })
        .await?;
    expect(&task.0, "kind", "CALL_TASK_KIND_AFTER_DELIVERY")?;
    let due = task.text("dueTime");
    story.tell(&format!("a 7DC call is to be made until {due}"), &[task.text("name"), task.text("assignee")]);

    let path = format!("/v1/messages?customer={customer}&kind=MESSAGE_KIND_FIRST_SERVICE");
    let reminder = story
        .wait_for("a first-service reminder appears", || async {
            Ok(story.client.get(&people.cr_manager, &path).await?.list("messages").into_iter().next())
        })
        .await?;
    expect(&reminder.0, "state", "MESSAGE_STATE_PLANNED")?;
    let planned = reminder.text("planTime");
    story.tell(&format!("a first-service reminder is planned for {planned}"), &[reminder.text("name")]);
    Ok(task.text("name"))
}
