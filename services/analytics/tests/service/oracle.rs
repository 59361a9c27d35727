//! The measures once more, counted in memory straight from their definitions: every month, every event, no SQL.

use std::collections::{BTreeMap, HashMap, HashSet};

use foursight_kernel::StoreId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

/// What an event tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Zone { zone: &'static str },
    Delivered { vehicle: Uuid, at: Timestamp },
    Started { vehicle: Uuid, at: Timestamp },
    Completed { vehicle: Uuid, at: Timestamp },
    Opened { complaint: bool, at: Timestamp },
    Planned { due: Timestamp },
    Called { due: Timestamp, at: Timestamp, done: bool, score: i32 },
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) aggregate: Uuid,
    pub(crate) version: i64,
    pub(crate) store: StoreId,
    pub(crate) told: Told,
}

/// Measure's code, store, month.
pub(crate) type Key = (&'static str, StoreId, String);

/// Numerator and denominator of each measure that has something to count in the months from `first` to `last`, which are
/// given by their first days.
pub(crate) fn values(events: &[Event], first: Date, last: Date) -> BTreeMap<Key, (f64, f64)> {
    let zones = zones(events);
    let month = |store: StoreId, at: Timestamp| {
        let zone = zones.get(&store).copied().unwrap_or("Asia/Shanghai");
        at.to_zoned(TimeZone::get(zone).unwrap()).date().first_of_month()
    };
    let mut values: BTreeMap<Key, (f64, f64)> = BTreeMap::new();
    let mut add = |code, store, at: Date, numerator: f64, denominator: f64| {
        if (first..=last).contains(&at) {
            let value = values.entry((code, store, at.strftime("%Y-%m").to_string())).or_default();
            value.0 += numerator;
            value.1 += denominator;
        }
    };
    // Store, car, month, and whether it came in.
    let mut seen: HashSet<(StoreId, Uuid, Date, bool)> = HashSet::new();
    for facts in latest(events).into_values() {
        // What several events tell of one thing, the newest says.
        let newest = facts.iter().max_by_key(|event| event.version).unwrap();
        let store = newest.store;
        let car = match newest.told {
            Told::Delivered { vehicle, .. }
            | Told::Started { vehicle, .. }
            | Told::Completed { vehicle, .. } => vehicle,
            _ => Uuid::nil(),
        };
        let due = match newest.told {
            Told::Planned { due } | Told::Called { due, .. } => Some(due),
            _ => None,
        };
        let mut in_time = false;
        for fact in &facts {
            match fact.told {
                Told::Delivered { at, .. } => {
                    let at = month(store, at);
                    // A count divides by 1, however much there is.
                    add("deliveries", store, at, 1.0, 0.0);
                    add("complaint_rate", store, at, 0.0, 1.0);
                    seen.insert((store, car, at, false));
                }
                Told::Started { at, .. } => {
                    seen.insert((store, car, month(store, at), true));
                }
                Told::Completed { at, .. } => add("complaint_rate", store, month(store, at), 0.0, 1.0),
                Told::Opened { complaint, at } if complaint => {
                    add("complaint_rate", store, month(store, at), 1.0, 0.0);
                }
                Told::Zone { .. } | Told::Planned { .. } | Told::Opened { .. } => {}
                Told::Called { at, done, score, .. } => {
                    in_time = done && due.is_some_and(|due| at <= due);
                    if done && score > 0 {
                        add("advisor_satisfaction", store, month(store, at), f64::from(score) * 10.0, 1.0);
                    }
                }
            }
        }
        if let Some(due) = due {
            add("follow_ups_in_time", store, month(store, due), f64::from(u8::from(in_time)), 1.0);
        }
    }
    return_rate(&seen, first, last, &mut add);
    for ((code, ..), value) in &mut values {
        if *code == "deliveries" {
            value.1 = 1.0;
        }
    }
    values
}

fn return_rate(
    seen: &HashSet<(StoreId, Uuid, Date, bool)>,
    first: Date,
    last: Date,
    add: &mut impl FnMut(&'static str, StoreId, Date, f64, f64),
) {
    let stores: HashSet<StoreId> = seen.iter().map(|(store, ..)| *store).collect();
    let mut month = first;
    while month <= last {
        let earliest = month.checked_sub(jiff::Span::new().months(11)).unwrap();
        for store in &stores {
            let of_store = seen.iter().filter(|(at, ..)| at == store);
            let retained: HashSet<Uuid> = of_store
                .clone()
                .filter(|(_, _, at, _)| (earliest..=month).contains(at))
                .map(|(_, car, ..)| *car)
                .collect();
            let came: HashSet<Uuid> = of_store
                .filter(|(_, _, at, visit)| *at == month && *visit)
                .map(|(_, car, ..)| *car)
                .collect();
            if !retained.is_empty() {
                add("return_rate", *store, month, count(came.len()), count(retained.len()));
            }
        }
        month = month.checked_add(jiff::Span::new().months(1)).unwrap();
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn zones(events: &[Event]) -> HashMap<StoreId, &'static str> {
    let mut zones: HashMap<StoreId, (i64, &'static str)> = HashMap::new();
    for event in events {
        if let Told::Zone { zone } = event.told {
            let known = zones.entry(event.store).or_insert((event.version, zone));
            if event.version > known.0 {
                *known = (event.version, zone);
            }
        }
    }
    zones.into_iter().map(|(store, (_, zone))| (store, zone)).collect()
}

/// Of each aggregate the newest event of each type.
fn latest(events: &[Event]) -> HashMap<Uuid, Vec<&Event>> {
    let mut latest: HashMap<Uuid, Vec<&Event>> = HashMap::new();
    for event in events {
        let facts = latest.entry(event.aggregate).or_default();
        let same =
            |other: &&Event| std::mem::discriminant(&other.told) == std::mem::discriminant(&event.told);
        match facts.iter().position(same) {
            Some(place) if facts[place].version < event.version => facts[place] = event,
            Some(_) => {}
            None => facts.push(event),
        }
    }
    latest
}
