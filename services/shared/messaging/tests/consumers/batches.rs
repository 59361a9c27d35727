//! Events that are handled all at once.

use foursight_kernel::trace;
use foursight_messaging::{NewEvent, Source, dead_letters};
use foursight_proto::customer::events::v1::LeadGraded;
use foursight_testkit::Stack;
use uuid::Uuid;

use crate::{
    probe::{POISON, Probe, Teller, effects},
    spans,
};

#[tokio::test]
async fn a_batch_has_each_event_once_and_none_that_had_its_effect_before() {
    let probe = Probe::new(&[Source::event::<LeadGraded>()]);
    let stack = Stack::start(probe.clone()).await.unwrap();
    let teller = Teller::of(&stack).await;
    let mut told = Vec::new();
    for version in 1..=3 {
        told.push(teller.tell::<LeadGraded>(version).await);
    }
    stack.settled().await.unwrap();

    let meanwhile = async || {
        for version in 4..=40 {
            told.push(teller.tell::<LeadGraded>(version).await);
            // The first ones once more, and then others of this batch.
            teller.repeat(u64::try_from(version).unwrap() / 2).await;
        }
        Ok(())
    };
    let stack = stack.restart_after(meanwhile).await.unwrap();
    stack.settled().await.unwrap();
    assert_eq!(effects(&stack).await, told);
    let mut given = probe.batches().concat();
    given.sort_unstable();
    assert_eq!(given, told);
    assert!(probe.batches().len() < told.len() / 2, "{} batches are none", probe.batches().len());
}

#[tokio::test]
async fn a_batch_that_fails_is_taken_apart_and_only_what_is_poisoned_is_buried() {
    let probe = Probe::new(&[Source::event::<LeadGraded>()]);
    let stack = Stack::start(probe.clone()).await.unwrap();
    let teller = Teller::of(&stack).await;
    let (mut healthy, mut poisoned) = (Vec::new(), Uuid::nil());
    let meanwhile = async || {
        for version in 1..=30 {
            healthy.push(teller.tell::<LeadGraded>(version).await);
            if version == 28 {
                poisoned = teller.tell::<LeadGraded>(POISON).await;
            }
        }
        Ok(())
    };
    let stack = stack.restart_after(meanwhile).await.unwrap();
    stack.settled().await.unwrap();
    assert_eq!(effects(&stack).await, healthy);
    let batches = probe.batches();
    assert!(batches.iter().any(|batch| batch.len() > 1 && batch.contains(&poisoned)), "{batches:?}");
    assert!(batches.contains(&vec![poisoned]), "it was not tried alone: {batches:?}");
    let letters = dead_letters::list(&teller.bus, 10).await.unwrap();
    let buried: Vec<Uuid> = letters.iter().filter_map(|letter| Some(letter.event.as_ref()?.id)).collect();
    assert_eq!(buried, [poisoned]);
    assert!(letters[0].explanation.contains("poisoned") && letters[0].tries == 1, "{letters:?}");
}

#[tokio::test]
async fn each_event_of_a_batch_stands_in_its_own_trace() {
    let probe = Probe::new(&[Source::event::<LeadGraded>()]);
    let stack = Stack::start(probe.clone()).await.unwrap();
    let teller = Teller::of(&stack).await;
    let mut causes = Vec::new();
    let meanwhile = async || {
        for version in 1..=30_u128 {
            let id = Uuid::from_u128(version << 64);
            let (event, cause) = tracing::info_span!(parent: None, "a change")
                .in_scope(|| (NewEvent::new(&LeadGraded::default(), id, 1, None), trace::traceparent()));
            causes.push(cause.unwrap());
            teller.tell_event(id, event).await;
        }
        Ok(())
    };
    let stack = stack.restart_after(meanwhile).await.unwrap();
    stack.settled().await.unwrap();
    assert!(probe.batches().iter().any(|batch| batch.len() > 1), "{:?}", probe.batches());
    let handled = spans::parents_of("handle event");
    for cause in causes {
        let times = handled.iter().filter(|parent| **parent == cause).count();
        assert_eq!(times, 1, "{cause} among {handled:?}");
    }
}
