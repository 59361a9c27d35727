//! What holds for every demo group, whatever the seed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;

use foursight_customer::{national_id, vehicles::vin};
use foursight_proto::{
    customer::v1::{ContactKind, Gender},
    identity::v1::Role,
};
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T05:30:00Z".parse().unwrap()
}

fn everybody(plan: &Plan) -> Vec<CustomerFile> {
    (0..plan.customers()).map(|place| plan.customer(place)).collect()
}

/// GA 36: the city's two places, then five with at most two letters, or six with a letter of electric or hybrid cars in front.
fn is_plate(plate: &str) -> bool {
    let places: Vec<char> = plate.chars().collect();
    let letter = |place: char| place.is_ascii_uppercase() && place != 'I' && place != 'O';
    let rest = &places[2..];
    letter(places[1])
        && match rest {
            ['A'..='H' | 'J' | 'K', second, digits @ ..] if rest.len() == 6 => {
                (letter(*second) || second.is_ascii_digit()) && digits.iter().all(char::is_ascii_digit)
            }
            rest => {
                rest.len() == 5
                    && rest.iter().all(|place| letter(*place) || place.is_ascii_digit())
                    && rest.iter().filter(|place| letter(**place)).count() <= 2
            }
        }
}

/// Cars that come late in a large group have plates of rarer patterns.
#[test]
fn a_large_group_has_no_plate_twice() {
    let plan = Plan::new(MOST_CUSTOMERS, 7, now());
    assert_eq!(plan.customers(), MOST_CUSTOMERS);
    let mut taken = HashSet::new();
    let (ends, spread) = ([0..5_000, 335_000..345_000, 405_000..412_000], (0..MOST_CUSTOMERS).step_by(97));
    let last = (MOST_CUSTOMERS - 5_000)..MOST_CUSTOMERS;
    let places: HashSet<u32> = ends.into_iter().flatten().chain(last).chain(spread).collect();
    for file in places.into_iter().map(|place| plan.customer(place)) {
        for plate in file.cars.into_iter().filter_map(|car| car.car.plate) {
            assert!(is_plate(&plate), "{plate}");
            assert!(taken.insert(plate));
        }
    }
    assert!(taken.len() > 20_000, "{}", taken.len());
}

#[test]
fn the_group_has_its_stores_and_people() {
    let group = Group::new(7, now());
    assert_eq!(group.stores.len(), 12);
    assert_eq!(group.stores.iter().map(|store| store.region).collect::<HashSet<_>>().len(), 3);
    assert_eq!(group.staff.len(), 200);
    let logins: HashSet<_> = group.staff.iter().map(|staff| staff.login.as_str()).collect();
    assert_eq!(logins.len(), 200);
    for store in 0..group.stores.len() {
        for role in (2..=10).map(|role| Role::try_from(role).unwrap()) {
            let least = if role == Role::FollowUpSpecialist { 2 } else { 1 };
            assert!(group.crew(store, role).len() >= least, "{role:?}");
        }
    }
}

#[test]
fn more_customers_change_nobody() {
    assert_eq!(everybody(&Plan::new(50, 3, now())), everybody(&Plan::new(80, 3, now()))[..50]);
}

#[test]
fn a_plan_is_made_again_from_its_founding() {
    let plan = Plan::new(10, 3, "2026-11-22T05:30:00.123456789Z".parse().unwrap());
    let again = Plan::new(10, 3, Plan::now_of(plan.group().founded));
    assert_eq!(plan.group(), again.group());
    assert_eq!(everybody(&plan), everybody(&again));
}

#[test]
fn the_group_looks_like_one() {
    let files = everybody(&Plan::new(2_000, 1, now()));
    let cars: Vec<_> = files.iter().flat_map(|file| &file.cars).collect();
    let visits = cars.iter().map(|car| car.visits.len()).sum::<usize>();
    let calls: Vec<_> = cars.iter().flat_map(|car| &car.calls).collect();
    let cases: Vec<_> = cars.iter().flat_map(|car| &car.cases).collect();
    assert!((1_650..2_100).contains(&cars.len()), "{} cars", cars.len());
    assert!(visits > 2 * cars.len() && visits < 5 * cars.len(), "{visits} visits of {} cars", cars.len());
    // About 1% of visits and deliveries; nearly all closed.
    assert!((visits / 200..visits / 50).contains(&cases.len()), "{} cases of {visits} visits", cases.len());
    let open = cases.iter().filter(|case| case.steps.len() < 5).count();
    assert!(open <= cases.len() / 8, "{open} of {} cases are open", cases.len());
    let reached =
        calls.iter().filter(|call| call.end.as_ref().is_some_and(|end| end.answer.is_some())).count();
    assert!(reached * 10 > calls.len() * 9, "{reached} of {} calls reached the customer", calls.len());
    assert!(calls.iter().any(|call| call.end.is_none()));
    assert!(files.iter().filter(|file| file.lead.is_some()).count() > files.len() / 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_same_seed_gives_the_same_group(seed: u64) {
        let (plan, again) = (Plan::new(40, seed, now()), Plan::new(40, seed, now()));
        prop_assert_eq!(plan.group(), again.group());
        prop_assert_eq!(everybody(&plan), everybody(&again));
        let other = Plan::new(40, seed.wrapping_add(1), now());
        prop_assert_ne!(everybody(&plan), everybody(&other));
    }

    #[test]
    fn numbers_are_well_formed_and_nobody_shares_them(seed: u64) {
        let files = everybody(&Plan::new(600, seed, now()));
        let mut taken = HashSet::new();
        for file in &files {
            let customer = &file.customer;
            prop_assert!(taken.insert(customer.id.uuid().to_string()));
            for point in &customer.contact_points {
                match point.kind {
                    ContactKind::Phone => {
                        prop_assert!(taken.insert(point.value.clone()));
                        prop_assert!(point.value.len() == 11 && point.value.starts_with('1'));
                    }
                    ContactKind::Email => {
                        prop_assert!(taken.insert(point.value.clone()));
                        prop_assert!(point.value.contains("@example."));
                    }
                    ContactKind::Wechat => prop_assert!(taken.insert(point.value.clone())),
                    _ => {}
                }
            }
            if let Some(id) = &customer.national_id {
                prop_assert!(taken.insert(id.clone()));
                prop_assert_eq!(national_id::with_check_digit(&id[..17]), Some(id.clone()));
                let born = customer.birthday.unwrap();
                prop_assert_eq!(&id[6..14], born.strftime("%Y%m%d").to_string());
                prop_assert!(born < date(2006, 1, 1));
                let even = id.as_bytes()[16] % 2 == 0;
                prop_assert_eq!(even, customer.gender == Gender::Female);
            }
            for car in &file.cars {
                prop_assert!(taken.insert(car.car.vin.clone()));
                prop_assert_eq!(vin::with_check_digit(&car.car.vin), Some(car.car.vin.clone()));
                if let Some(plate) = &car.car.plate {
                    prop_assert!(taken.insert(plate.clone()));
                    prop_assert!(is_plate(plate), "{}", plate);
                }
            }
        }
    }

    #[test]
    fn nothing_happens_before_its_cause_or_after_now(seed: u64) {
        for file in everybody(&Plan::new(300, seed, now())) {
            prop_assert!(file.customer.create_time < now());
            for consent in &file.customer.consents {
                prop_assert!((file.customer.create_time..now()).contains(&consent.create_time));
            }
            if let Some(lead) = &file.lead {
                prop_assert!((lead.create_time..now()).contains(&lead.grade_time));
            }
            for car in &file.cars {
                prop_assert!((file.customer.create_time..now()).contains(&car.delivery.deliver_time));
                let mut before = (car.delivery.deliver_time, car.delivery.odometer_km);
                for visit in &car.visits {
                    prop_assert!((before.0..now()).contains(&visit.check_in_time));
                    prop_assert!(visit.odometer_km >= before.1);
                    prop_assert!(visit.hand_over_time.is_none_or(|end| (visit.check_in_time..now()).contains(&end)));
                    before = (visit.check_in_time, visit.odometer_km);
                }
                for call in &car.calls {
                    prop_assert!(call.create_time < now() && call.create_time < call.due_time);
                    let Some(end) = &call.end else { continue };
                    prop_assert!((call.create_time..now()).contains(&end.at));
                    let Some(answer) = &end.answer else { continue };
                    prop_assert!((1..=10).contains(&answer.score));
                    prop_assert_eq!(answer.complaint.is_some(), answer.score < 7);
                }
                for case in &car.cases {
                    prop_assert!(case.open_time < now() && case.handler != case.revisitor);
                    prop_assert!(case.steps.iter().is_sorted_by_key(|step| (step.at, step.kind)));
                    prop_assert!(case.steps.iter().all(|step| (case.open_time..now()).contains(&step.at)));
                }
            }
        }
    }
}
