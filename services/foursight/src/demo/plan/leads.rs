//! Leads: those that became a car, and those that are being worked.

use foursight_kernel::{DeliveryId, LeadId, StaffId, StoreId};
use foursight_proto::{
    customer::v1::{LeadGrade, LeadState, SourceChannel},
    identity::v1::Role,
};
use jiff::Timestamp;

use super::{
    dice::Dice,
    history::{CarHistory, DAY, Scene, later, somebody, working_instant},
};

/// A lead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lead {
    pub(crate) id: LeadId,
    pub(crate) store: StoreId,
    pub(crate) owner: StaffId,
    pub(crate) source: SourceChannel,
    pub(crate) intended_model: &'static str,
    pub(crate) state: LeadState,
    pub(crate) grade: LeadGrade,
    pub(crate) create_time: Timestamp,
    /// When it got its grade.
    pub(crate) grade_time: Timestamp,
    /// By the grade; absent once the lead is won.
    pub(crate) next_follow_up_time: Option<Timestamp>,
    /// The delivery that won it.
    pub(crate) delivery: Option<DeliveryId>,
}

const MODELS: [&str; 6] = ["启岚 L3", "启岚 L5", "启岚 X5", "启岚 X7", "启岚 E4", "启岚 E6"];
const GRADES: [(LeadGrade, u32); 4] =
    [(LeadGrade::H, 18), (LeadGrade::A, 27), (LeadGrade::B, 33), (LeadGrade::C, 22)];
const SOURCES: [SourceChannel; 6] = [
    SourceChannel::WalkIn,
    SourceChannel::WalkIn,
    SourceChannel::VerticalPlatform,
    SourceChannel::ShortVideo,
    SourceChannel::Call,
    SourceChannel::Referral,
];

/// The lead that led to the first car. Older records have none: they came from the system before.
pub(super) fn of_buyer(
    scene: &Scene<'_>,
    dice: &mut Dice,
    met: Timestamp,
    cars: &[CarHistory],
) -> Option<Lead> {
    let first = cars.first()?;
    if scene.now.duration_since(met).as_secs() > 400 * DAY {
        return None;
    }
    Some(Lead {
        id: dice.id(met),
        store: first.delivery.store,
        owner: first.delivery.advisor,
        source: dice.pick(&SOURCES),
        intended_model: first.car.model,
        state: LeadState::Won,
        grade: LeadGrade::H,
        create_time: met,
        grade_time: met,
        next_follow_up_time: None,
        delivery: Some(first.delivery.id),
    })
}

/// The lead of somebody who asked and has not bought; not everybody wants to be called again.
pub(super) fn of_prospect(
    scene: &Scene<'_>,
    dice: &mut Dice,
    met: Timestamp,
    source: SourceChannel,
) -> Option<Lead> {
    if dice.chance(150) {
        return None;
    }
    let grade = dice.weighted(&GRADES);
    let days = match grade {
        LeadGrade::H => 2,
        LeadGrade::A => 4,
        LeadGrade::B => 7,
        LeadGrade::C | LeadGrade::Unspecified => 15,
    };
    // Most were followed up in time: they were graded within the last term. One in ten waits for longer.
    let ago =
        if dice.chance(900) { dice.between(0, days * DAY) } else { dice.between(days * DAY, days * 2 * DAY) };
    let about = working_instant(scene, dice, later(scene.now, -ago));
    let grade_time = if about >= scene.now { later(about, -2 * DAY) } else { about }.max(met);
    Some(Lead {
        id: dice.id(met),
        store: scene.group.stores[scene.store].id,
        owner: somebody(scene, dice, Role::SalesAdvisor),
        source,
        intended_model: dice.pick(&MODELS),
        state: LeadState::Open,
        grade,
        create_time: met,
        grade_time,
        next_follow_up_time: Some(later(grade_time, days * DAY)),
        delivery: None,
    })
}
