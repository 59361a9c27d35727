//! Cases of the past, as the demo group loads them.

use std::collections::BTreeMap;

use anyhow::Result;
use foursight_complaint::bulk::{self, Command, PastAct, PastCase, PastStore};
use foursight_kernel::{CaseId, Clock};
use foursight_proto::complaint::{
    events::v1::{CaseAdvanced, CaseOpened, ClockBreached},
    v1::{CaseKind, CaseState, Cause, IntakeChannel, ListCasesRequest, Measure, Severity},
};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, office_hours};

fn past(world: &World, id: CaseId, taken_at: Timestamp) -> PastCase {
    let (one, other) = (world.handler.id, world.visitor.id);
    let handle = Command::Handle { cause: Cause::Product, measure: Measure::Explanation };
    let acts = [
        (1, one, Command::Assign { assignee: one, as_read: true }),
        // Too late for the first reply, whose clock is in working hours.
        (30, one, Command::Reply),
        (40, one, handle),
        (41, one, Command::TellResult),
        (50, other, Command::Revisit { satisfied: true }),
    ];
    let act = |(hours, by, command)| PastAct {
        at: taken_at + SignedDuration::from_hours(hours),
        by,
        command,
        note: String::new(),
    };
    PastCase {
        id,
        store: world.store,
        customer: None,
        kind: CaseKind::Complaint,
        channel: IntakeChannel::Counter,
        category: "price".to_owned(),
        severity: Severity::Minor,
        description: "价格与报价单不符".to_owned(),
        subject: String::new(),
        call_task: None,
        taken_by: one,
        taken_at,
        acts: acts.map(act).to_vec(),
    }
}

#[tokio::test]
async fn the_past_is_written_once_with_its_events() -> Result<()> {
    let world = World::new().await?;
    let stores =
        BTreeMap::from([(world.store, PastStore { code: "SH01".to_owned(), calendar: office_hours() })]);
    let begin = world.stack.clock.now() - SignedDuration::from_hours(24 * 60);
    let cases: Vec<_> = (0..50)
        .map(|day| past(&world, world.stack.ids.next(), begin + SignedDuration::from_hours(day * 24)))
        .collect();
    for expected in [50, 0] {
        let mut tx = world.stack.db("complaint").begin_as_service().await?;
        let new = bulk::insert(&mut tx, &world.stack.ids, &stores, cases.clone()).await?;
        tx.commit().await?;
        assert_eq!(new, expected);
    }
    let request = ListCasesRequest { page_size: 200, ..Default::default() };
    let listed = world.cases(&world.handler).list_cases(request).await?.into_inner().cases;
    assert_eq!(listed.len(), 50);
    assert!(listed.iter().all(|case| case.state() == CaseState::Closed && case.steps.len() == 6));
    assert!(listed.iter().any(|case| case.number == "SH01-202601-0001"), "{:?}", listed[0].number);
    assert_eq!(world.stack.told::<CaseOpened>().await?.len(), 50);
    assert_eq!(world.stack.told::<CaseAdvanced>().await?.len(), 250);
    assert!(!world.stack.told::<ClockBreached>().await?.is_empty());
    Ok(())
}
