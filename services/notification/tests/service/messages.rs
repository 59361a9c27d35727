//! Messages in fair weather: planned, judged, sent; and those that are not to be sent.

use foursight_kernel::{Clock, time::to_proto};
use foursight_proto::{
    complaint::events::v1::{CaseAdvanced, Step},
    customer::v1::Resolution,
    notification::{
        events::v1::{MessageDecided, MessagePlanned},
        v1::{GetMessageRequest, MessageKind, MessageState},
    },
};
use jiff::SignedDuration;
use sqlx::Row;

use crate::world::{ADDRESS, World, history};

#[tokio::test]
async fn a_customer_hears_that_the_case_was_taken() {
    let world = World::start().await;
    let opened = world.case_opened(Some(world.reachable()));
    world.tell(&opened).await;
    world.tell(&opened).await;

    let message = world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!((message.kind(), &message.subject), (MessageKind::CaseOpened, &opened.case));
    assert_eq!(
        history(&message),
        [
            (MessageState::Planned, "PLANNED"),
            (MessageState::Sending, "ALLOWED"),
            (MessageState::Sent, "ACCEPTED")
        ]
    );
    let mails = world.smtp.taken();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ADDRESS);
    let subject = "Yuanwang Example Store: we are looking into your case SH01-000042";
    assert_eq!(mails[0].header("Subject"), Some(subject));
    assert!(mails[0].data.contains("Dear Wei Example,"));
    let id = message.name.strip_prefix("messages/").unwrap();
    assert_eq!(mails[0].header("Message-ID"), Some(format!("<{id}@foursight.example>").as_str()));

    assert_eq!(world.app.told::<MessagePlanned>().await.unwrap().len(), 1);
    let decided = world.app.told::<MessageDecided>().await.unwrap();
    assert_eq!((decided.len(), decided[0].state()), (1, MessageState::Sent));
    let one =
        world.messages(&world.caller).get_message(GetMessageRequest { name: message.name.clone() }).await;
    assert_eq!(one.unwrap().into_inner(), message);
    nothing_personal_is_kept(&world).await;
}

/// Neither the name nor the address is anywhere in the schema.
async fn nothing_personal_is_kept(world: &World) {
    let owner = world.app.owner().await.unwrap();
    let dump = sqlx::query(
        "SELECT coalesce(string_agg(query_to_xml(format('SELECT * FROM notification.%I', tablename), true, false, '')::text, ''), '')
         FROM pg_tables WHERE schemaname = 'notification'",
    );
    let dump: String = dump.fetch_one(&owner).await.unwrap().get(0);
    let payloads: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT payload FROM notification.outbox").fetch_all(&owner).await.unwrap();
    assert!(dump.contains("SH01-000042") && !payloads.is_empty(), "the dump shows what is there");
    let told = String::from_utf8_lossy(&payloads.concat()).into_owned();
    for secret in ["Wei", ADDRESS, "Dear"] {
        assert!(!dump.contains(secret) && !told.contains(secret), "{secret} is kept");
    }
}

#[tokio::test]
async fn who_stays_anonymous_hears_nothing() {
    let world = World::start().await;
    world.tell(&world.case_opened(None)).await;
    assert_eq!(world.all_messages().await, []);
}

#[tokio::test]
async fn a_case_that_is_closed_is_told_and_other_steps_are_not() {
    let world = World::start().await;
    let opened = world.case_opened(Some(world.reachable()));
    let step = |step: Step| CaseAdvanced {
        case: opened.case.clone(),
        store: opened.store.clone(),
        customer: opened.customer.clone(),
        number: opened.number.clone(),
        step: step.into(),
        ..CaseAdvanced::default()
    };
    world.tell(&step(Step::Replied)).await;
    world.tell(&step(Step::Closed)).await;
    let message = world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!(message.kind(), MessageKind::CaseClosed);
}

#[tokio::test]
async fn what_the_customer_does_not_allow_is_not_sent() {
    for (resolution, reason) in [
        (Resolution::NoConsent, "NO_CONSENT"),
        (Resolution::NoContact, "NO_CONTACT"),
        (Resolution::Unknown, "UNKNOWN"),
    ] {
        let world = World::start().await;
        let customer = world.app.ids.next();
        world.customer.answers(customer, resolution, "");
        world.tell(&world.case_opened(Some(customer))).await;
        world.stands(MessageState::Suppressed, reason).await;
        let decided = world.app.told::<MessageDecided>().await.unwrap();
        assert_eq!((decided.len(), decided[0].reason.as_str()), (1, reason));
        assert!(world.smtp.taken().is_empty());
    }
}

#[tokio::test]
async fn at_night_a_message_waits_and_a_withdrawal_meanwhile_counts() {
    let world = World::start_with("2026-03-04T21:00:00+08:00", true).await;
    let customer = world.reachable();
    world.tell(&world.case_opened(Some(customer))).await;
    world.stands(MessageState::Held, "QUIET_HOURS").await;
    world.app.clock.set("2026-03-05T08:59:00+08:00".parse().unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    world.stands(MessageState::Held, "QUIET_HOURS").await;
    world.customer.answers(customer, Resolution::NoConsent, "");
    world.advance(1);
    world.stands(MessageState::Suppressed, "NO_CONSENT").await;
    assert!(world.smtp.taken().is_empty());
}

#[tokio::test]
async fn the_first_service_reminder_goes_out_five_months_after_the_delivery() {
    let world = World::start().await;
    world.tell(&world.delivered(world.ago(1))).await;
    let planned = world.stands(MessageState::Planned, "PLANNED").await;
    let due = "2026-08-04T10:00:00+08:00".parse().unwrap();
    assert_eq!(planned.plan_time, Some(to_proto(due)));
    world.app.clock.set(due);
    world.stands(MessageState::Sent, "ACCEPTED").await;
    let subject = "Yuanwang Example Store: the first service of your car is due";
    assert_eq!(world.smtp.taken()[0].header("Subject"), Some(subject));
}

#[tokio::test]
async fn the_reminder_stops_when_the_car_comes_in() {
    let world = World::start().await;
    let delivered = world.delivered(world.ago(48));
    world.tell(&delivered).await;
    // From before the delivery, told late: the car was prepared for its buyer.
    world.tell(&world.visit_started(&delivered.vehicle, world.ago(72))).await;
    world.stands(MessageState::Planned, "PLANNED").await;
    world.tell(&world.visit_started(&delivered.vehicle, world.ago(1))).await;
    world.stands(MessageState::Suppressed, "CAR_CAME_IN").await;
    world.app.clock.advance(SignedDuration::from_hours(24 * 200));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert!(world.smtp.taken().is_empty());
}

#[tokio::test]
async fn a_car_that_came_in_before_its_delivery_was_told_gets_no_reminder() {
    let world = World::start().await;
    let delivered = world.delivered(world.ago(48));
    world.tell(&world.visit_started(&delivered.vehicle, world.app.clock.now())).await;
    world.tell(&delivered).await;
    assert_eq!(world.all_messages().await, []);
}

#[tokio::test]
async fn without_a_mail_server_mail_waits_and_then_expires() {
    let world = World::start_with("2026-03-04T10:00:00+08:00", false).await;
    world.tell(&world.case_opened(Some(world.reachable()))).await;
    world.stands(MessageState::Held, "CHANNEL_NOT_CONFIGURED").await;
    world.advance(3 * 24 * 60);
    world.stands(MessageState::Suppressed, "EXPIRED").await;
}
