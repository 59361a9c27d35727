//! Messages in foul weather: whatever breaks, nothing is lost, and nothing is sent twice without a mark.

use std::collections::BTreeSet;

use foursight_proto::notification::{
    events::v1::MessageDecided,
    v1::{Message, MessageState},
};

use crate::{
    smtp::Behaviour,
    world::{World, history},
};

async fn with_case(script: &[Behaviour]) -> World {
    let world = World::start().await;
    world.smtp.next(script);
    world.tell(&world.case_opened(Some(world.reachable()))).await;
    world
}

fn ids(world: &World) -> BTreeSet<String> {
    world.smtp.taken().iter().map(|mail| mail.header("Message-ID").unwrap().to_owned()).collect()
}

async fn wait_for_reason(world: &World, reason: &str) -> Message {
    world.stands(MessageState::Held, reason).await
}

#[tokio::test]
async fn a_server_that_says_later_is_asked_later() {
    let world = with_case(&[Behaviour::RefuseRecipient(451), Behaviour::RefuseData(452)]).await;
    wait_for_reason(&world, "SMTP_451").await;
    world.advance(1);
    wait_for_reason(&world, "SMTP_452").await;
    // The delays grow: one minute is not enough the second time.
    world.advance(1);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    wait_for_reason(&world, "SMTP_452").await;
    world.advance(1);
    let message = world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!(history(&message).len(), 7);
    assert_eq!(world.smtp.taken().len(), 1);
    assert_eq!(world.app.told::<MessageDecided>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_never_is_believed() {
    let world = with_case(&[Behaviour::RefuseRecipient(550)]).await;
    let message = world.stands(MessageState::Failed, "SMTP_550").await;
    assert_eq!(history(&message).len(), 3);
    let decided = world.app.told::<MessageDecided>().await.unwrap();
    assert_eq!((decided.len(), decided[0].state()), (1, MessageState::Failed));
}

#[tokio::test]
async fn a_connection_that_drops_before_the_mail_was_taken_costs_a_try() {
    let world = with_case(&[Behaviour::Drop]).await;
    wait_for_reason(&world, "SMTP_UNREACHABLE").await;
    assert_eq!(world.smtp.left(), 0);
    world.advance(1);
    world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!(world.smtp.taken().len(), 1);
}

#[tokio::test]
async fn a_repeat_that_smtp_forces_on_us_carries_the_same_message_id() {
    let world = with_case(&[Behaviour::TakeAndDrop]).await;
    wait_for_reason(&world, "SMTP_UNREACHABLE").await;
    world.advance(1);
    world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!((world.smtp.taken().len(), ids(&world).len()), (2, 1));
}

#[tokio::test]
async fn a_crash_while_sending_loses_nothing() {
    // The state in which a process dies after it has committed SENDING.
    let world = World::start_with("2026-03-04T21:00:00+08:00", true).await;
    world.tell(&world.case_opened(Some(world.reachable()))).await;
    world.stands(MessageState::Held, "QUIET_HOURS").await;
    world.app.clock.set("2026-03-05T08:00:00+08:00".parse().unwrap());
    let owner = world.app.owner().await.unwrap();
    sqlx::query(
        "UPDATE notification.messages SET state = 3, reason = 'ALLOWED', tries = 1, attempt_id = gen_random_uuid(),
                next_time = '2026-03-05T09:05:00+08:00'",
    )
    .execute(&owner)
    .await
    .unwrap();
    world.app.clock.set("2026-03-05T09:04:00+08:00".parse().unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    world.stands(MessageState::Sending, "ALLOWED").await;
    assert!(world.smtp.taken().is_empty(), "somebody may still be sending it");
    world.advance(1);
    world.stands(MessageState::Sent, "ACCEPTED").await;
    assert_eq!(world.smtp.taken().len(), 1);
}

#[tokio::test]
async fn while_the_customer_service_is_away_messages_wait() {
    let world = World::start().await;
    world.customer.away(true);
    world.tell(&world.case_opened(Some(world.reachable()))).await;
    wait_for_reason(&world, "CUSTOMER_SERVICE_AWAY").await;
    world.advance(1);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let message = wait_for_reason(&world, "CUSTOMER_SERVICE_AWAY").await;
    assert_eq!(history(&message).len(), 2, "waiting on is no new decision");
    world.customer.away(false);
    world.advance(1);
    world.stands(MessageState::Sent, "ACCEPTED").await;
}

#[tokio::test]
async fn a_restart_in_the_midst_of_many_messages_sends_each_once() {
    let mut world = World::start().await;
    let cases: Vec<_> = (0..20).map(|_| world.case_opened(Some(world.reachable()))).collect();
    for case in &cases {
        world.app.tell(case, world.app.ids.uuid(), 1, Some(world.store)).await.unwrap();
    }
    world.app = world.app.restart().await.unwrap();
    world.app.settled().await.unwrap();
    let begin = std::time::Instant::now();
    while world.all_messages().await.iter().filter(|m| m.state() == MessageState::Sent).count() < 20 {
        assert!(begin.elapsed() < std::time::Duration::from_mins(1), "some messages are stuck");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!((world.smtp.taken().len(), ids(&world).len()), (20, 20));
}
