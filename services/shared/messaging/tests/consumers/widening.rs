//! A release that listens to more than the one before, on the same durable.

use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{DeliverPolicy, FromConsumer, Info, PullConsumer, pull};
use foursight_messaging::Source;
use foursight_proto::customer::events::v1::{LeadCreated, LeadGraded};
use foursight_testkit::Stack;
use uuid::Uuid;

use crate::probe::{DURABLE, Probe, Teller, effects};

async fn durable(teller: &Teller) -> Info {
    teller.stream().await.consumer_info(DURABLE).await.unwrap()
}

/// It hears from then on what it did not hear before.
async fn until_it_hears(teller: &Teller, sources: &[Source]) {
    let topology = teller.bus.topology();
    let mut wanted: Vec<String> = sources
        .iter()
        .map(|source| match source {
            Source::Event(event) => topology.event_filter(event).unwrap(),
            Source::Service(service) => topology.service_filter(service),
        })
        .collect();
    wanted.sort_unstable();
    until("the durable is widened", async || durable(teller).await.config.filter_subjects == wanted).await;
}

/// The stack does not settle while an event waits for a release that listens to it.
async fn until_effect(stack: &Stack, event: Uuid) {
    until("the event has its effect", async || effects(stack).await.contains(&event)).await;
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !happened().await {
        assert!(began.elapsed() < Duration::from_mins(1), "in vain waited for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_durable_hears_more_from_where_it_stands_and_never_less() {
    let (graded, created) = (Source::event::<LeadGraded>(), Source::event::<LeadCreated>());
    let probe = Probe::new(std::slice::from_ref(&graded));
    let stack = Stack::start(probe.clone()).await.unwrap();
    let teller = Teller::of(&stack).await;
    let mut told = vec![teller.tell::<LeadGraded>(1).await];
    // Nobody listens to it yet, and the durable goes past it.
    teller.tell::<LeadCreated>(1).await;
    told.push(teller.tell::<LeadGraded>(2).await);
    stack.settled().await.unwrap();
    let before = durable(&teller).await;

    let both = [graded.clone(), created];
    probe.listen_to(&both);
    let stack = stack.restart().await.unwrap();
    until_it_hears(&teller, &both).await;
    told.push(teller.tell::<LeadCreated>(3).await);
    told.push(teller.tell::<LeadGraded>(4).await);
    stack.settled().await.unwrap();
    assert_eq!(effects(&stack).await, told);
    assert_eq!(durable(&teller).await.created, before.created, "the durable is another one");

    // The release before runs once more. It takes nothing away, and leaves to others what it does not know.
    probe.listen_to(&[graded]);
    let stack = stack.restart().await.unwrap();
    told.push(teller.tell::<LeadCreated>(5).await);
    let known = teller.tell::<LeadGraded>(6).await;
    told.push(known);
    until_effect(&stack, known).await;
    let all = [Source::service("customer")];
    probe.listen_to(&all);
    let stack = stack.restart().await.unwrap();
    until_it_hears(&teller, &all).await;
    stack.settled().await.unwrap();
    assert_eq!(effects(&stack).await, told);
    assert_eq!(durable(&teller).await.created, before.created, "the durable is another one");
}

#[tokio::test]
async fn a_durable_that_was_set_back_is_widened_as_well() {
    let (graded, created) = (Source::event::<LeadGraded>(), Source::event::<LeadCreated>());
    let probe = Probe::new(std::slice::from_ref(&graded));
    let stack = Stack::start(probe.clone()).await.unwrap();
    let teller = Teller::of(&stack).await;
    let mut told = Vec::new();
    for version in 1..=3 {
        told.push(teller.tell::<LeadGraded>(version).await);
        told.push(teller.tell::<LeadCreated>(version).await);
    }
    stack.settled().await.unwrap();

    let set_back = async || {
        let (stream, info) = (teller.stream().await, durable(&teller).await);
        stream.delete_consumer(DURABLE).await?;
        let mut config =
            pull::Config::try_from_consumer_config(info.config).map_err(anyhow::Error::from_boxed)?;
        config.deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: 3 };
        let _: PullConsumer = stream.create_consumer(config).await?;
        Ok(())
    };
    probe.listen_to(&[graded, created]);
    let stack = stack.restart_after(set_back).await.unwrap();
    stack.settled().await.unwrap();
    // All but what was told before the place to which it was set back, and nobody listened to.
    told.remove(1);
    assert_eq!(effects(&stack).await, told);
}
