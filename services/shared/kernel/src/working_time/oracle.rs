//! The calendar against an oracle that looks at every minute.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use foursight_proto::{google::r#type as common, identity::v1 as proto};
use jiff::{SignedDuration, Timestamp, civil::Date};
use proptest::prelude::*;

use super::{Calendar, NoWorkingTime};

/// What the oracle knows: the proto as it came, and the wall clock. It shares no code with the calendar.
fn counts(calendar: &proto::Calendar, minute: Timestamp) -> bool {
    let local = minute.in_tz(&calendar.time_zone).unwrap();
    let of_day = i32::from(local.hour()) * 60 + i32::from(local.minute());
    let contains = |opens: Option<common::TimeOfDay>, closes: Option<common::TimeOfDay>| {
        let (opens, closes) = (opens.unwrap(), closes.unwrap());
        (opens.hours * 60 + opens.minutes..closes.hours * 60 + closes.minutes).contains(&of_day)
    };
    let today = (i32::from(local.year()), i32::from(local.month()), i32::from(local.day()));
    let named = calendar.exceptions.iter().find(|exception| {
        let date = exception.date.unwrap();
        (date.year, date.month, date.day) == today
    });
    if let Some(exception) = named {
        return exception.open.iter().any(|open| contains(open.opens, open.closes));
    }
    let weekday = i32::from(local.weekday().to_monday_one_offset());
    calendar.weekly.iter().any(|open| open.day == weekday && contains(open.opens, open.closes))
}

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

fn oracle_between(calendar: &proto::Calendar, a: Timestamp, b: Timestamp) -> i64 {
    let mut minutes = 0;
    let mut at = a;
    while at < b {
        minutes += i64::from(counts(calendar, at));
        at += MINUTE;
    }
    minutes
}

/// The end of the last counted minute, looked for over 40 days.
fn oracle_add(calendar: &proto::Calendar, start: Timestamp, minutes: u64) -> Option<Timestamp> {
    let mut left = minutes;
    let mut at = start;
    while left > 0 {
        if at.duration_since(start) > SignedDuration::from_hours(40 * 24) {
            return None;
        }
        left -= u64::from(counts(calendar, at));
        at += MINUTE;
    }
    Some(at)
}

/// Zones with a day's date and instants around a change: the usual hour, half an hour, at midnight, a skipped day,
/// a month-long pause, and none.
const ZONES: [(&str, &str); 9] = [
    ("Asia/Shanghai", "2026-10-01T00:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
];

fn time(minute: i32) -> common::TimeOfDay {
    common::TimeOfDay { hours: minute / 60, minutes: minute % 60, ..Default::default() }
}

/// Up to three intervals that do not overlap; the first may open at 00:00, the last may close at 24:00.
fn day() -> impl Strategy<Value = Vec<proto::TimeInterval>> {
    let edge = prop_oneof![2 => 0..=1440_i32, 1 => Just(0), 1 => Just(1440), 2 => (0..=24_i32).prop_map(|hour| hour * 60)];
    proptest::collection::btree_set(edge, 0..=6).prop_map(|edges| {
        let edges: Vec<_> = edges.into_iter().collect();
        edges
            .chunks_exact(2)
            .map(|pair| proto::TimeInterval { opens: Some(time(pair[0])), closes: Some(time(pair[1])) })
            .collect()
    })
}

fn calendar_around() -> impl Strategy<Value = (proto::Calendar, Timestamp)> {
    let weekly = proptest::collection::vec(day(), 7);
    let exceptions = proptest::collection::btree_map(-6..=6_i64, day(), 0..=4);
    (0..ZONES.len(), weekly, exceptions, -5 * 1440..=2 * 1440_i64).prop_map(
        |(zone, weekly, exceptions, minute)| {
            let (time_zone, middle) = ZONES[zone];
            let middle: Timestamp = middle.parse().unwrap();
            let today: Date = middle.in_tz(time_zone).unwrap().date();
            let calendar = proto::Calendar {
                time_zone: time_zone.to_owned(),
                weekly: (1..)
                    .zip(weekly)
                    .flat_map(|(day, open)| {
                        open.into_iter().map(move |open| proto::WeeklyInterval {
                            day,
                            opens: open.opens,
                            closes: open.closes,
                        })
                    })
                    .collect(),
                exceptions: exceptions
                    .into_iter()
                    .map(|(days, open)| {
                        let date = today.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
                        let date = common::Date {
                            year: date.year().into(),
                            month: date.month().into(),
                            day: date.day().into(),
                        };
                        proto::CalendarException { date: Some(date), open, reason: String::new() }
                    })
                    .collect(),
            };
            (calendar, middle + SignedDuration::from_mins(minute))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn counts_like_the_oracle((calendar, a) in calendar_around(), minutes in 0..7 * 1440_i64) {
        let ours = Calendar::from_proto(&calendar).unwrap();
        let b = a + SignedDuration::from_mins(minutes);
        let expected = SignedDuration::from_mins(oracle_between(&calendar, a, b));
        prop_assert_eq!(ours.working_between(a, b), expected);
        prop_assert_eq!(ours.working_between(b, a), -expected);
        prop_assert_eq!(ours.is_open(a), counts(&calendar, a));
    }

    #[test]
    fn ends_when_the_oracle_ends((calendar, start) in calendar_around(), minutes in 0..2000_u64) {
        let ours = Calendar::from_proto(&calendar).unwrap();
        let found = ours.add_working(start, Duration::from_mins(minutes)).ok();
        if let Some(at) = oracle_add(&calendar, start, minutes) {
            prop_assert_eq!(found.unwrap().at, at);
        } else {
            // Too far for the oracle: nothing nearer may be found.
            let far = SignedDuration::from_hours(40 * 24);
            prop_assert!(found.is_none_or(|found| found.at.duration_since(start) > far));
        }
    }

    /// Between whole minutes too: counting back gives what was added, and no earlier instant does.
    #[test]
    fn is_the_first_instant((calendar, start) in calendar_around(), offset in 0..60_000_i64, millis in 1..8_000_000_u64) {
        let ours = Calendar::from_proto(&calendar).unwrap();
        let start = start + SignedDuration::from_millis(offset);
        let wanted = Duration::from_millis(millis);
        if let Ok(found) = ours.add_working(start, wanted) {
            let wanted = SignedDuration::try_from(wanted).unwrap();
            prop_assert_eq!(ours.working_between(start, found.at), wanted);
            prop_assert!(ours.working_between(start, found.at - SignedDuration::from_nanos(1)) < wanted);
            let counted = found.explanation.steps.iter().fold(SignedDuration::ZERO, |sum, step| match step {
                super::Step::Counted { from, to, .. } => sum + to.duration_since(*from),
                super::Step::Closed { .. } => sum,
            });
            prop_assert_eq!(counted, wanted, "the explanation accounts for all of it");
        }
    }
}

/// Monday to Friday 09:00–12:00 and 13:00–18:00 in Shanghai, closed for the National Day, made up on a Saturday.
fn shanghai() -> proto::Calendar {
    let open = |opens, closes| proto::TimeInterval { opens: Some(time(opens)), closes: Some(time(closes)) };
    let mut weekly = Vec::new();
    for day in 1..=5 {
        for (opens, closes) in [(9 * 60, 12 * 60), (13 * 60, 18 * 60)] {
            weekly.push(proto::WeeklyInterval { day, opens: Some(time(opens)), closes: Some(time(closes)) });
        }
    }
    let date = |month, day| Some(common::Date { year: 2026, month, day });
    let mut exceptions: Vec<_> = (1..=7)
        .map(|day| proto::CalendarException {
            date: date(10, day),
            open: Vec::new(),
            reason: "国庆节".to_owned(),
        })
        .collect();
    exceptions.push(proto::CalendarException {
        date: date(10, 10),
        open: vec![open(9 * 60, 12 * 60)],
        reason: "调休上班".to_owned(),
    });
    proto::Calendar { time_zone: "Asia/Shanghai".to_owned(), weekly, exceptions }
}

fn due(start: &str, hours: u64) -> super::Deadline {
    let calendar = Calendar::from_proto(&shanghai()).unwrap();
    calendar.add_working(start.parse().unwrap(), Duration::from_hours(hours)).unwrap()
}

#[test]
fn tells_why_it_is_monday_half_past_ten() {
    let deadline = due("2026-11-06T17:30:00+08", 2);
    assert_eq!(deadline.at, "2026-11-09T10:30:00+08".parse().unwrap());
    assert_eq!(
        deadline.explanation.to_string(),
        "自周五 2026-11-06 17:30起计 2 小时 工作时间：周五（11-06） 17:30–18:00 计 30 分钟；\
         周六（11-07） 至 周日（11-08） 休息；周一（11-09） 09:00–10:30 计 1 小时 30 分钟；故周一 2026-11-09 10:30到期\n\
         2 h of working time from Fri 2026-11-06 17:30: Fri 11-06 17:30–18:00 counts 30 min; \
         Sat 11-07 to Sun 11-08 closed; Mon 11-09 09:00–10:30 counts 1 h 30 min; so it is due Mon 2026-11-09 10:30"
    );
}

#[test]
fn around_the_clock_nothing_is_passed_over() {
    let calendar = Calendar::from_proto(&shanghai()).unwrap();
    let start = "2026-11-06T17:30:00+08".parse().unwrap();
    let deadline = calendar.add_elapsed(start, Duration::from_hours(48)).unwrap();
    assert_eq!(deadline.at, "2026-11-08T17:30:00+08".parse().unwrap());
    assert_eq!(
        deadline.explanation.to_string(),
        "自周五 2026-11-06 17:30起连续计 48 小时，不停表；故周日 2026-11-08 17:30到期\n\
         48 h around the clock from Fri 2026-11-06 17:30; so it is due Sun 2026-11-08 17:30"
    );
}

#[test]
fn holidays_are_passed_over_and_make_up_days_count() {
    assert_eq!(due("2026-09-30T17:00:00+08", 2).at, "2026-10-08T10:00:00+08".parse().unwrap());
    let made_up = due("2026-10-09T17:00:00+08", 2);
    assert_eq!(made_up.at, "2026-10-10T10:00:00+08".parse().unwrap());
    assert!(made_up.explanation.zh().contains("周六（10-10）（调休上班） 09:00–10:00 计 1 小时"));
}

#[test]
fn an_interval_filled_to_its_end_is_over_when_it_closes() {
    assert_eq!(due("2026-11-06T10:00:00+08", 2).at, "2026-11-06T12:00:00+08".parse().unwrap());
    assert_eq!(due("2026-11-06T12:10:00+08", 0).at, "2026-11-06T12:10:00+08".parse().unwrap());
}

#[test]
fn a_calendar_that_never_opens_has_no_deadline() {
    let empty = proto::Calendar { time_zone: "Asia/Shanghai".to_owned(), ..Default::default() };
    let empty = Calendar::from_proto(&empty).unwrap();
    let start = "2026-11-06T10:00:00+08".parse().unwrap();
    assert_eq!(empty.add_working(start, Duration::from_secs(1)), Err(NoWorkingTime));
    assert_eq!(empty.working_between(start, start + SignedDuration::from_hours(9000)), SignedDuration::ZERO);
    // A duration beyond every calendar ends the search too.
    let calendar = Calendar::from_proto(&shanghai()).unwrap();
    assert_eq!(calendar.add_working(start, Duration::MAX), Err(NoWorkingTime));
}

#[test]
fn a_night_shift_counts_over_midnight() {
    let night = proto::Calendar {
        time_zone: "Asia/Shanghai".to_owned(),
        weekly: vec![
            proto::WeeklyInterval { day: 5, opens: Some(time(22 * 60)), closes: Some(time(24 * 60)) },
            proto::WeeklyInterval { day: 6, opens: Some(time(0)), closes: Some(time(6 * 60)) },
        ],
        exceptions: Vec::new(),
    };
    let night = Calendar::from_proto(&night).unwrap();
    let deadline =
        night.add_working("2026-11-06T23:30:00+08".parse().unwrap(), Duration::from_hours(1)).unwrap();
    assert_eq!(deadline.at, "2026-11-07T00:30:00+08".parse().unwrap());
    assert!(deadline.explanation.en().contains("Fri 11-06 23:30–24:00 counts 30 min; Sat 11-07 00:00–00:30"));
}
