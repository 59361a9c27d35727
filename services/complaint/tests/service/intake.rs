//! A dissatisfied follow-up call becomes a complaint, once.

use std::sync::atomic::Ordering;

use anyhow::Result;
use foursight_kernel::{CallTaskId, Clock, CustomerId, ErasureId, time};
use foursight_proto::{
    complaint::v1::{CaseKind, CaseState, IntakeChannel, ListCasesRequest, Severity},
    customer::events::v1::CustomerErased,
    notification::{
        events::v1::CallTaskCompleted,
        v1::{CallTaskState, Satisfaction},
    },
};

use crate::{stand_ins::WORDS, world::World};

fn dissatisfied(world: &World, call_task: CallTaskId, customer: CustomerId) -> CallTaskCompleted {
    CallTaskCompleted {
        call_task: call_task.name(),
        customer: customer.name(),
        store: world.store.name(),
        state: CallTaskState::Done.into(),
        satisfaction: Satisfaction::Dissatisfied.into(),
        category: "sales.promise".to_owned(),
        complete_time: Some(time::to_proto(world.stack.clock.now())),
        caller: world.visitor.id.name(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_dissatisfied_call_becomes_one_case() -> Result<()> {
    let world = World::new().await?;
    let (call_task, customer) = (world.stack.ids.next::<CallTaskId>(), world.stack.ids.next());
    let event = dissatisfied(&world, call_task, customer);
    let satisfied = CallTaskCompleted {
        call_task: world.stack.ids.next::<CallTaskId>().name(),
        satisfaction: Satisfaction::Satisfied.into(),
        ..event.clone()
    };
    // Told twice, as two events: the call is one all the same.
    for event in [&event, &event, &satisfied] {
        world.stack.tell(event, call_task.uuid(), 3, Some(world.store)).await?;
    }
    world.stack.settled().await?;

    let listed =
        world.cases(&world.handler).list_cases(ListCasesRequest::default()).await?.into_inner().cases;
    assert_eq!(listed.len(), 1);
    let case = &listed[0];
    assert_eq!(case.kind(), CaseKind::Complaint);
    assert_eq!(case.channel(), IntakeChannel::FollowUpCall);
    assert_eq!(case.severity(), Severity::Normal);
    assert_eq!(case.category, "sales.promise");
    assert_eq!(case.subject, call_task.name());
    assert_eq!(case.customer, customer.name());
    assert_eq!(case.owner, world.visitor.id.name(), "whoever heard it owns it");
    assert_eq!(case.description, WORDS);
    assert_eq!(case.clocks.len(), 3);
    Ok(())
}

#[tokio::test]
async fn while_notification_is_away_nothing_is_lost() -> Result<()> {
    let world = World::new().await?;
    world.notification.away.store(true, Ordering::SeqCst);
    let call_task = world.stack.ids.next::<CallTaskId>();
    let event = dissatisfied(&world, call_task, world.stack.ids.next());
    world.stack.tell(&event, call_task.uuid(), 3, Some(world.store)).await?;
    while world.notification.asked.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut cases = world.cases(&world.handler);
    assert!(cases.list_cases(ListCasesRequest::default()).await?.into_inner().cases.is_empty());

    world.notification.away.store(false, Ordering::SeqCst);
    world.stack.settled().await?;
    assert_eq!(cases.list_cases(ListCasesRequest::default()).await?.into_inner().cases.len(), 1);
    Ok(())
}

#[tokio::test]
async fn of_somebody_who_was_erased_no_more_words_are_kept_and_the_case_can_be_ended() -> Result<()> {
    let world = World::new().await?;
    let (call_task, customer) = (world.stack.ids.next::<CallTaskId>(), world.stack.ids.next::<CustomerId>());
    world
        .stack
        .tell(&dissatisfied(&world, call_task, customer), call_task.uuid(), 3, Some(world.store))
        .await?;
    world.stack.settled().await?;
    let name = world.cases(&world.handler).list_cases(ListCasesRequest::default()).await?.into_inner().cases
        [0]
    .name
    .clone();
    world.assign(&name).await?;
    let erasure = world.stack.ids.next::<ErasureId>().name();
    let erased = CustomerErased { customer: customer.name(), erasure, absorbed: Vec::new() };
    world.stack.tell(&erased, customer.uuid(), 9, None).await?;
    world.stack.settled().await?;

    world.handle(&name).await?;
    world.tell_result(&name).await?;
    let case = world.read(&name).await?;
    assert_eq!((case.state(), case.customer.as_str()), (CaseState::ResultTold, ""));
    let words: Vec<&str> =
        case.steps.iter().map(|step| step.note.as_str()).filter(|note| !note.is_empty()).collect();
    assert_eq!(words, [""; 0]);
    Ok(())
}
