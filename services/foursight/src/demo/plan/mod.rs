//! The demo group as a plan: what there is and what happened, made from a seed, the number of customers and an instant,
//! and from nothing else. The same three make the same group, id by id; more customers add to it and change nobody.
//!
//! Pure: [`super::load()`] writes it. Made in pieces, so that a group of any size fits in memory.

mod calendar;
mod cars;
mod complaints;
mod dice;
mod group;
mod history;
mod leads;
mod names;
mod people;
#[cfg(test)]
mod tests;

use foursight_proto::customer::v1::{CustomerKind, LifeCycleStage};
use jiff::Timestamp;

use self::{calendar::WallClock, history::Scene};

pub(crate) use self::{
    complaints::{Case, Step, StepKind},
    dice::{Dice, Stream},
    group::{CREW, Group, HEADQUARTERS, Staff, Store, login_of, store_of_code},
    history::{CallTask, CarHistory, Subject},
    history::{DAY, later},
    leads::Lead,
    people::{Consent, ContactPoint},
};

/// So many customers at most: beyond, there would be no plates left.
pub(crate) const MOST_CUSTOMERS: u32 = 1_200_000;

/// How long ago the group was founded, and how far its history goes back.
const HISTORY: i64 = 3 * 365 * DAY;
const FOUNDED: i64 = HISTORY + 60 * DAY;

/// Of these first customers more is known than what they bought, and some have two files. Larger groups are for measurements.
pub(crate) const KNOWN_WELL: u32 = 20_000;
/// Every so many of them a file is a second one of somebody.
const SECOND_FILES: u32 = 200;
/// Of somebody whose first file is at most so many places before.
const WITHIN: u32 = 60;

/// The plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    seed: u64,
    now: Timestamp,
    customers: u32,
    group: Group,
    wall: WallClock,
    /// Places of the stores with their weights.
    places: Vec<(usize, u32)>,
}

/// A customer with everything that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomerFile {
    pub(crate) customer: people::Customer,
    /// The place of the customer's store in [`Group::stores`].
    pub(crate) store: usize,
    pub(crate) stage: LifeCycleStage,
    pub(crate) cars: Vec<CarHistory>,
    pub(crate) lead: Option<Lead>,
}

impl Plan {
    /// A group of so many customers (at most [`MOST_CUSTOMERS`]) as it stands at `now`.
    pub(crate) fn new(customers: u32, seed: u64, now: Timestamp) -> Self {
        // Whole seconds survive every storage, so a plan can be made again from what was stored.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let group = Group::new(seed, later(now, -FOUNDED));
        let places = group.stores.iter().enumerate().map(|(place, store)| (place, store.weight)).collect();
        Self { seed, now, customers: customers.min(MOST_CUSTOMERS), group, wall: WallClock::new(), places }
    }

    /// The instant that a group with that founding was planned at.
    pub(crate) fn now_of(founded: Timestamp) -> Timestamp {
        later(founded, FOUNDED)
    }

    /// Stores and staff.
    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// How many customers there are.
    pub(crate) fn customers(&self) -> u32 {
        self.customers
    }

    /// What the dice of this group were seeded with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The instant that the group's history leads up to.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The customer with that place, from 0; the same whoever else there is.
    pub(crate) fn customer(&self, index: u32) -> CustomerFile {
        let mut file = self.somebody(index);
        if index % SECOND_FILES == SECOND_FILES - 1 && index < KNOWN_WELL {
            let first = (1..=WITHIN.min(index)).map(|back| self.somebody(index - back)).find(|first| {
                first.store == file.store
                    && first.customer.kind == CustomerKind::Person
                    && first.customer.birthday.is_some()
            });
            if let Some(first) = first {
                people::same_person(&mut file.customer, &first.customer);
            }
        }
        file
    }

    fn somebody(&self, index: u32) -> CustomerFile {
        let index = u64::from(index);
        let mut dice = Dice::new(self.seed, Stream::Customer, index);
        let store = dice.weighted(&self.places);
        // A few are served by a second store.
        let elsewhere = dice.chance(60).then(|| dice.weighted(&self.places)).filter(|other| *other != store);
        let scene =
            Scene { group: &self.group, wall: &self.wall, seed: self.seed, now: self.now, store, elsewhere };
        // One in eight only asked so far; most of those asked lately.
        if dice.chance(125) {
            return self.prospect(&scene, &mut dice, index);
        }
        // Long enough ago that the next open day is past, too.
        let delivered = later(self.now, -dice.between(3 * DAY, HISTORY));
        let met = later(delivered, -dice.between(2 * DAY, 45 * DAY));
        let customer =
            people::customer(&mut dice, self.seed, index, &self.group.stores[store], met, self.now);
        let mut cars = vec![history::car(&scene, &mut dice, index * 2, delivered)];
        // Some come back for a second car.
        let second = later(delivered, dice.between(200 * DAY, 900 * DAY));
        if dice.chance(90) && later(second, 3 * DAY) < self.now {
            cars.push(history::car(&scene, &mut dice, index * 2 + 1, second));
        }
        let lead = leads::of_buyer(&scene, &mut dice, met, &cars);
        CustomerFile { stage: self.stage(&cars), customer, store, cars, lead }
    }

    fn prospect(&self, scene: &Scene<'_>, dice: &mut Dice, index: u64) -> CustomerFile {
        let met = later(self.now, -dice.between(DAY / 8, 75 * DAY));
        let store = &self.group.stores[scene.store];
        let customer = people::customer(dice, self.seed, index, store, met, self.now);
        let lead = leads::of_prospect(scene, dice, met, customer.source);
        let stage = if lead.is_none() { LifeCycleStage::Prospect } else { LifeCycleStage::Intention };
        CustomerFile { customer, store: scene.store, stage, cars: Vec::new(), lead }
    }

    /// Where an owner stands: by the last time that any of the cars was seen.
    fn stage(&self, cars: &[CarHistory]) -> LifeCycleStage {
        let serviced = cars.iter().any(|car| !car.visits.is_empty());
        let seen = cars
            .iter()
            .map(|car| car.visits.last().map_or(car.delivery.deliver_time, |visit| visit.check_in_time));
        let days = seen.max().map_or(0, |seen| self.now.duration_since(seen).as_secs() / DAY);
        match days {
            548.. => LifeCycleStage::Lost,
            366..548 => LifeCycleStage::Dormant,
            _ if serviced => LifeCycleStage::Service,
            _ => LifeCycleStage::Buyer,
        }
    }
}
