//! Deadlines that pass are noticed, told once, and stay breached.

use anyhow::Result;
use foursight_proto::complaint::{
    events::v1::ClockBreached,
    v1::{ClockKind, ClockState, GetCaseRequest, ReplyCaseRequest},
};
use jiff::SignedDuration;

use crate::world::World;

#[tokio::test]
async fn a_passed_deadline_is_told_once_and_stays_breached() -> Result<()> {
    let world = World::new().await?;
    let taken = world.complain().await?;
    world.stack.clock.advance(SignedDuration::from_hours(2));
    world.stack.running.round("complaint", "breaches").await?;
    assert!(world.stack.told::<ClockBreached>().await?.is_empty(), "the last instant is in time");

    world.stack.clock.advance(SignedDuration::from_hours(47));
    for _ in 0..2 {
        world.stack.running.round("complaint", "breaches").await?;
    }
    let told = world.stack.told::<ClockBreached>().await?;
    let kinds: Vec<_> = told.iter().map(ClockBreached::clock).collect();
    assert_eq!(kinds, [ClockKind::FirstReply, ClockKind::Handling]);
    let mut cases = world.cases(&world.handler);
    let read = cases.get_case(GetCaseRequest { name: taken.name.clone() }).await?.into_inner();
    assert_eq!(read.clocks[0].state(), ClockState::Breached);
    assert_eq!(read.etag, taken.etag, "a passed deadline is nobody's change");

    let reply = ReplyCaseRequest {
        name: taken.name,
        note: "抱歉迟复".to_owned(),
        etag: taken.etag,
        ..Default::default()
    };
    let late = cases.reply_case(reply).await?.into_inner();
    assert_eq!(late.clocks[0].state(), ClockState::Breached);
    assert!(late.clocks[0].meet_time.is_some());
    assert_eq!(world.stack.told::<ClockBreached>().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_late_command_tells_the_breach_itself() -> Result<()> {
    let world = World::new().await?;
    let taken = world.complain().await?;
    world.stack.clock.advance(SignedDuration::from_hours(3));
    let reply = ReplyCaseRequest { name: taken.name, note: "抱歉迟复".to_owned(), ..Default::default() };
    let late = world.cases(&world.handler).reply_case(reply).await?.into_inner();
    assert_eq!(late.clocks[0].state(), ClockState::Breached);
    world.stack.running.round("complaint", "breaches").await?;
    assert_eq!(world.stack.told::<ClockBreached>().await?.len(), 1);
    Ok(())
}
