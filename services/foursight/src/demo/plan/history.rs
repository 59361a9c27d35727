//! What happened to a car and its owner: the delivery, every service visit in the owner's own rhythm, the follow-up calls.

use foursight_kernel::{CallTaskId, DeliveryId, StaffId, StoreId, VisitId};
use foursight_proto::{customer::v1::VisitKind, identity::v1::Role};
use jiff::{Timestamp, ToSpan};

use super::{
    calendar::{self, WallClock},
    cars::{self, Car},
    complaints::{self, Case, Matter},
    dice::Dice,
    group::Group,
};

pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A car's hand-over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) store: StoreId,
    pub(crate) advisor: StaffId,
    pub(crate) deliver_time: Timestamp,
    pub(crate) odometer_km: i32,
}

/// A service visit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Visit {
    pub(crate) id: VisitId,
    pub(crate) store: StoreId,
    pub(crate) kind: VisitKind,
    pub(crate) advisor: StaffId,
    pub(crate) odometer_km: i32,
    pub(crate) check_in_time: Timestamp,
    pub(crate) promise_time: Timestamp,
    /// Absent while the car is in the workshop.
    pub(crate) hand_over_time: Option<Timestamp>,
    /// What was paid, in fen; 0 for work under warranty.
    pub(crate) amount_fen: i64,
}

/// A follow-up call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallTask {
    pub(crate) id: CallTaskId,
    pub(crate) store: StoreId,
    pub(crate) subject: Subject,
    pub(crate) caller: StaffId,
    pub(crate) advisor: StaffId,
    pub(crate) create_time: Timestamp,
    pub(crate) due_time: Timestamp,
    /// Absent while the call is still to be made.
    pub(crate) end: Option<CallEnd>,
}

/// What a follow-up call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// 7DC: within 7 days after delivery.
    Delivery(DeliveryId),
    /// 3DC: within 3 days after service.
    Visit(VisitId),
}

/// How a follow-up call ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallEnd {
    pub(crate) at: Timestamp,
    /// What the customer said; absent when three attempts reached nobody.
    pub(crate) answer: Option<Answer>,
}

/// What a customer said in a follow-up call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The advisor's score, 1 to 10.
    pub(crate) score: u8,
    /// What about, when dissatisfied.
    pub(crate) complaint: Option<Matter>,
}

/// A car with all that happened to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CarHistory {
    pub(crate) car: Car,
    pub(crate) delivery: Delivery,
    pub(crate) visits: Vec<Visit>,
    pub(crate) calls: Vec<CallTask>,
    pub(crate) cases: Vec<Case>,
}

/// Where and when a history takes place.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) group: &'a Group,
    pub(super) wall: &'a WallClock,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    /// The store's place in the list.
    pub(super) store: usize,
    /// Another store to which the customer goes for service now and then.
    pub(super) elsewhere: Option<usize>,
}

impl Scene<'_> {
    /// Where a visit takes place.
    fn of_visit(&self, dice: &mut Dice) -> Self {
        let elsewhere = self.elsewhere.filter(|_| dice.chance(400));
        Self { store: elsewhere.unwrap_or(self.store), ..*self }
    }
}

/// The history of a car that was delivered about then. `index` makes VIN and plate unique.
pub(super) fn car(scene: &Scene<'_>, dice: &mut Dice, index: u64, about: Timestamp) -> CarHistory {
    let store = &scene.group.stores[scene.store];
    let deliver_time = working_instant(scene, dice, about);
    let registered = scene.now.duration_since(deliver_time).as_secs() > 12 * DAY;
    let car =
        cars::car(dice, scene.seed, index, store, deliver_time, scene.wall.day(deliver_time), registered);
    let delivery = Delivery {
        id: dice.id(deliver_time),
        store: store.id,
        advisor: somebody(scene, dice, Role::SalesAdvisor),
        deliver_time,
        odometer_km: i32::try_from(dice.between(8, 90)).unwrap_or(8),
    };
    let mut history = CarHistory { car, delivery, visits: Vec::new(), calls: Vec::new(), cases: Vec::new() };
    let call = FollowUp::of_delivery(&history.delivery);
    follow_up(scene, dice, &mut history, &call);
    visits(scene, dice, &mut history);
    history
}

/// Every visit until now. Each owner has a rhythm; some stop coming.
fn visits(scene: &Scene<'_>, dice: &mut Dice, history: &mut CarHistory) {
    let rhythm = dice.between(110, 290) * DAY;
    // One owner in six finds another workshop some day.
    let stays = if dice.chance(165) { dice.between(0, 4) } else { i64::MAX };
    let mut came = history.delivery.deliver_time;
    let mut number = 0;
    while number < stays {
        came = later(came, dice.around(rhythm));
        let scene = &scene.of_visit(dice);
        let check_in = working_instant(scene, dice, came);
        if check_in >= scene.now {
            return;
        }
        let visit = visit(scene, dice, history, check_in);
        let call = FollowUp::of_visit(&visit);
        history.visits.push(visit);
        if let Some(call) = call {
            follow_up(scene, dice, history, &call);
        }
        complaints::after_visit(scene, dice, history);
        number += 1;
    }
}

const VISIT_KINDS: [(VisitKind, u32); 5] = [
    (VisitKind::Maintenance, 62),
    (VisitKind::Repair, 18),
    (VisitKind::Body, 8),
    (VisitKind::Warranty, 7),
    (VisitKind::Inspection, 5),
];

fn visit(scene: &Scene<'_>, dice: &mut Dice, history: &CarHistory, check_in_time: Timestamp) -> Visit {
    let kind = dice.weighted(&VISIT_KINDS);
    let (work, yuan) = match kind {
        VisitKind::Maintenance | VisitKind::Unspecified => (dice.between(50, 150), dice.around(860)),
        VisitKind::Repair => (dice.between(90, 300), dice.around(2_300)),
        VisitKind::Body => (dice.between(1_500, 4_000), dice.around(3_400)),
        VisitKind::Warranty => (dice.between(60, 280), 0),
        VisitKind::Inspection => (dice.between(40, 90), dice.around(320)),
    };
    let ready = later(check_in_time, work * MINUTE);
    Visit {
        id: dice.id(check_in_time),
        store: scene.group.stores[scene.store].id,
        kind,
        advisor: somebody(scene, dice, Role::ServiceAdvisor),
        odometer_km: odometer(dice, history, check_in_time),
        check_in_time,
        promise_time: later(check_in_time, (work + 20) * MINUTE),
        hand_over_time: (ready < scene.now).then_some(ready),
        amount_fen: yuan * 100,
    }
}

/// The reading at an instant: never below the one before.
fn odometer(dice: &mut Dice, history: &CarHistory, at: Timestamp) -> i32 {
    let last = history.visits.last();
    let (since, reading) = last
        .map_or((history.delivery.deliver_time, history.delivery.odometer_km), |visit| {
            (visit.check_in_time, visit.odometer_km)
        });
    let days = at.duration_since(since).as_secs() / DAY;
    let driven = days * dice.around(history.car.metres_a_day) / 1000;
    reading.saturating_add(i32::try_from(driven.max(0)).unwrap_or(0))
}

/// A follow-up call that falls due.
struct FollowUp {
    subject: Subject,
    advisor: StaffId,
    planned: Timestamp,
    /// Seconds until it is due.
    term: i64,
}

impl FollowUp {
    fn of_delivery(delivery: &Delivery) -> Self {
        let subject = Subject::Delivery(delivery.id);
        Self { subject, advisor: delivery.advisor, planned: delivery.deliver_time, term: 7 * DAY }
    }

    fn of_visit(visit: &Visit) -> Option<Self> {
        let subject = Subject::Visit(visit.id);
        Some(Self { subject, advisor: visit.advisor, planned: visit.hand_over_time?, term: 3 * DAY })
    }
}

fn follow_up(scene: &Scene<'_>, dice: &mut Dice, history: &mut CarHistory, about: &FollowUp) {
    let task = CallTask {
        id: dice.id(about.planned),
        store: scene.group.stores[scene.store].id,
        subject: about.subject,
        caller: somebody(scene, dice, Role::FollowUpSpecialist),
        advisor: about.advisor,
        create_time: about.planned,
        due_time: later(about.planned, about.term),
        end: call(scene, dice, about),
    };
    complaints::from_call(scene, dice, &task, &mut history.cases);
    history.calls.push(task);
}

/// Up to three attempts, on one of the days before the call is due and the days after that; a few are late.
fn call(scene: &Scene<'_>, dice: &mut Dice, about: &FollowUp) -> Option<CallEnd> {
    let late = if dice.chance(35) { dice.between(1, 4) * DAY } else { 0 };
    let wait = dice.between(DAY, about.term - DAY) + late;
    let mut at = working_instant(scene, dice, later(about.planned, wait));
    for attempt in 1..=3 {
        if at >= scene.now {
            return None;
        }
        if dice.chance(780) {
            return Some(CallEnd { at, answer: Some(complaints::answer(scene, dice, about.subject, at)) });
        }
        if attempt < 3 {
            at = working_instant(scene, dice, later(at, DAY));
        }
    }
    Some(CallEnd { at, answer: None })
}

/// Somebody of the store with a role.
pub(super) fn somebody(scene: &Scene<'_>, dice: &mut Dice, role: Role) -> StaffId {
    dice.pick(&scene.group.crew(scene.store, role))
}

/// On that day or the next on which the store opens, between nine and six, not at lunch.
pub(super) fn working_instant(scene: &Scene<'_>, dice: &mut Dice, about: Timestamp) -> Timestamp {
    let week = scene.group.stores[scene.store].week;
    let day = calendar::next_open_day(week, scene.wall.day(about));
    let instant = scene.wall.at(day, dice.between(9 * HOUR, 16 * HOUR + 30 * MINUTE));
    let noon = scene.wall.at(day, 12 * HOUR);
    if (noon..later(noon, 90 * MINUTE)).contains(&instant) { later(instant, 90 * MINUTE) } else { instant }
}

/// So many seconds later.
pub(crate) fn later(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(seconds.seconds()).unwrap_or(instant)
}
