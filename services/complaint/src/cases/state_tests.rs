//! Whatever people do in whatever order, a case keeps its promises.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use foursight_kernel::StaffId;
use foursight_proto::complaint::{
    events::v1::Step,
    v1::{CaseKind, CaseState, Cause, ClockKind, ClockState, Measure},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    clock,
    state::{Command, Life},
};

fn staff(number: u128) -> StaffId {
    StaffId::from(Uuid::from_u128(number))
}

fn start() -> Timestamp {
    "2026-11-06T10:00:00+08".parse().unwrap()
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => (0..3_u128, any::<bool>())
            .prop_map(|(number, as_read)| Command::Assign { assignee: staff(number), as_read }),
        1 => Just(Command::Reply),
        3 => Just(Command::Handle { cause: Cause::Service, measure: Measure::Apology }),
        3 => Just(Command::TellResult),
        3 => any::<bool>().prop_map(|satisfied| Command::Revisit { satisfied }),
        1 => Just(Command::Reopen),
    ]
}

fn kind() -> impl Strategy<Value = CaseKind> {
    (1..=6_i32).prop_map(|kind| CaseKind::try_from(kind).unwrap())
}

proptest! {
    #[test]
    fn a_case_keeps_its_promises(
        kind in kind(),
        // Who does what after how many hours, and whether the breach worker came by, or the owner left, before.
        acts in proptest::collection::vec(
            (command(), 0..5_u128, 0..120_i64, any::<bool>(), proptest::bool::weighted(0.2)),
            0..60,
        ),
    ) {
        let rules = clock::tests::rules();
        let mut now = start();
        let mut life = Life::open(kind, Some(staff(0)), now, &rules).unwrap();
        let (mut reopened, mut told) = (0, 0);
        let mut handlers = BTreeSet::new();
        for (command, by, hours, worker, leaves) in acts {
            now += SignedDuration::from_hours(hours);
            if leaves && let Some(released) = life.release() {
                prop_assert_eq!(&released.clocks, &life.clocks, "the customer waits all the same");
                prop_assert_eq!(released.owner, None);
                prop_assert_ne!(released.state, CaseState::Assigned, "it waits to be assigned");
                let assign = Command::Assign { assignee: staff(1), as_read: false };
                prop_assert!(released.advance(assign, staff(0), now, &rules).is_ok(), "and can be");
                life = released;
            }
            if worker {
                told += life.clocks.iter_mut().filter_map(|clock| clock.breach(now)).count();
            }
            let found = life.state;
            let Ok(advance) = life.advance(command, staff(by), now, &rules) else { continue };
            if matches!(advance.step, Step::RevisitReopened | Step::Reopened) {
                reopened += 1;
            }
            if advance.step == Step::Closed {
                prop_assert_eq!(command, Command::Revisit { satisfied: true });
                prop_assert!(!handlers.contains(&staff(by)), "who handled it in any loop may not re-visit");
            }
            if let Command::Assign { as_read, .. } = command {
                prop_assert!(as_read || found != CaseState::Assigned, "nobody's choice is overruled unseen");
            }
            if matches!(command, Command::Handle { .. }) {
                handlers.insert(staff(by));
            }
            prop_assert_eq!(advance.life.state == CaseState::Closed, advance.step == Step::Closed);
            told += advance.breaches.len();
            life = advance.life;
            holds(&life, reopened, told)?;
        }
    }
}

fn holds(life: &Life, reopened: i32, told: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(life.round, reopened + 1, "loops are counted");
    prop_assert_eq!(life.state == CaseState::Closed, life.closed.is_some());
    let mut seen = BTreeSet::new();
    for clock in &life.clocks {
        prop_assert!(seen.insert((clock.round, i32::from(clock.kind))), "one clock of a kind and loop");
        match clock.state {
            ClockState::Running => prop_assert!(clock.met.is_none()),
            ClockState::Met => prop_assert!(clock.met.unwrap() <= clock.due),
            ClockState::Breached => prop_assert!(clock.met.is_none_or(|met| met > clock.due)),
            ClockState::Unspecified => prop_assert!(false, "a clock without a state"),
        }
        prop_assert!(clock.round == life.round || !clock.waits(), "no clock waits for a loop that is over");
    }
    let breached = life.clocks.iter().filter(|clock| clock.state == ClockState::Breached).count();
    prop_assert_eq!(breached, told, "each breach is told once");
    if life.state == CaseState::Closed {
        prop_assert_eq!(clock::next_due(&life.clocks), None, "nothing waits in a closed case");
    }
    Ok(())
}

/// A case that was handled by staff 1 and whose result was told.
fn told() -> Life {
    let rules = clock::tests::rules();
    let mut life = Life::open(CaseKind::Complaint, Some(staff(0)), start(), &rules).unwrap();
    let handle = Command::Handle { cause: Cause::Service, measure: Measure::Rework };
    for (command, by) in
        [(Command::Assign { assignee: staff(1), as_read: false }, 0), (handle, 1), (Command::TellResult, 1)]
    {
        life = life.advance(command, staff(by), start(), &rules).unwrap().life;
    }
    life
}

#[test]
fn the_handler_may_not_revisit() {
    let refused =
        told().advance(Command::Revisit { satisfied: true }, staff(1), start(), &clock::tests::rules());
    assert_eq!(refused.unwrap_err().reason(), "REVISIT_BY_HANDLER");
}

#[test]
fn telling_the_result_answers_the_customer() {
    let life = told();
    let reply = life.clocks.iter().find(|clock| clock.kind == ClockKind::FirstReply).unwrap();
    assert_eq!(reply.state, ClockState::Met);
}

#[test]
fn a_dissatisfied_customer_starts_a_new_loop() {
    let rules = clock::tests::rules();
    let again =
        told().advance(Command::Revisit { satisfied: false }, staff(2), start(), &rules).unwrap().life;
    assert_eq!((again.state, again.round), (CaseState::Reopened, 2));
    let waiting: Vec<_> = again.clocks.iter().filter(|c| c.waits()).map(|c| (c.kind, c.round)).collect();
    assert_eq!(waiting, [(ClockKind::Handling, 2), (ClockKind::Result, 2)]);
}

#[test]
fn a_closed_case_can_be_reopened_for_thirty_days() {
    let rules = clock::tests::rules();
    let closed =
        told().advance(Command::Revisit { satisfied: true }, staff(2), start(), &rules).unwrap().life;
    let last = start() + SignedDuration::from_hours(30 * 24);
    assert!(closed.advance(Command::Reopen, staff(0), last, &rules).is_ok());
    let late = last + SignedDuration::from_micros(1);
    let refused = closed.advance(Command::Reopen, staff(0), late, &rules).unwrap_err();
    assert_eq!(refused.reason(), "CASE_TOO_OLD_TO_REOPEN");
    let refused = closed.advance(Command::Reply, staff(0), start(), &rules).unwrap_err();
    assert_eq!(refused.reason(), "CASE_ALREADY_CLOSED");
}
