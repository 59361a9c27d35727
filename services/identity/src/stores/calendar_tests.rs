#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use foursight_proto::google::r#type::DayOfWeek;

use super::*;

fn at(hours: i32, minutes: i32) -> TimeOfDay {
    TimeOfDay { hours, minutes, seconds: 0, nanos: 0 }
}

fn open(day: DayOfWeek, opens: TimeOfDay, closes: TimeOfDay) -> proto::WeeklyInterval {
    proto::WeeklyInterval { day: day as i32, opens: Some(opens), closes: Some(closes) }
}

fn week(weekly: Vec<proto::WeeklyInterval>) -> proto::Calendar {
    proto::Calendar { time_zone: "Asia/Shanghai".into(), weekly, exceptions: Vec::new() }
}

fn faults(calendar: &proto::Calendar) -> Vec<String> {
    let mut v = Violations::default();
    Calendar::read(&mut v, "calendar", Some(calendar));
    v.into_vec().into_iter().map(|violation| violation.field).collect()
}

#[test]
fn a_day_may_have_a_break_and_end_at_midnight() {
    let calendar = week(vec![
        open(DayOfWeek::Monday, at(13, 30), at(24, 0)),
        open(DayOfWeek::Monday, at(8, 30), at(12, 0)),
        open(DayOfWeek::Monday, at(12, 0), at(13, 30)),
    ]);
    assert_eq!(faults(&calendar), Vec::<String>::new());
    let mut v = Violations::default();
    let read = Calendar::read(&mut v, "calendar", Some(&calendar)).unwrap();
    let opens: Vec<u16> = read.hours.weekly.iter().map(|entry| entry.interval.opens).collect();
    assert_eq!(opens, [510, 720, 810], "in the order of the day");
}

#[test]
fn every_fault_is_told_at_once() {
    let mut calendar = week(vec![
        open(DayOfWeek::Monday, at(8, 0), at(12, 0)),
        open(DayOfWeek::Monday, at(11, 59), at(18, 0)),
        open(DayOfWeek::Friday, at(18, 0), at(9, 0)),
    ]);
    calendar.time_zone = "Asia/Atlantis".into();
    let date = Some(Date { year: 2026, month: 2, day: 30 });
    calendar.exceptions = vec![proto::CalendarException { date, ..Default::default() }];
    assert_eq!(
        faults(&calendar),
        [
            "calendar.time_zone",
            "calendar.weekly[2].closes",
            "calendar.weekly[1]",
            "calendar.exceptions[0].date",
        ]
    );
}

/// Mostly right; overlaps come by themselves.
fn any_interval() -> impl Strategy<Value = proto::WeeklyInterval> {
    (1..8, 0..1441, 1..400).prop_map(|(day, opens, length)| {
        let (opens, closes) = (at(opens / 60, opens % 60), opens + length);
        proto::WeeklyInterval { day, opens: Some(opens), closes: Some(at(closes / 60, closes % 60)) }
    })
}

proptest! {
    /// What is accepted counts no minute twice, and reads back as what was accepted.
    #[test]
    fn accepted_hours_do_not_overlap(weekly in proptest::collection::vec(any_interval(), 0..6)) {
        let mut v = Violations::default();
        if let Some(read) = Calendar::read(&mut v, "calendar", Some(&week(weekly))) {
            let mut minutes = std::collections::HashSet::new();
            for entry in &read.hours.weekly {
                prop_assert!(entry.interval.opens < entry.interval.closes && entry.interval.closes <= 1440);
                for minute in entry.interval.opens..entry.interval.closes {
                    prop_assert!(minutes.insert((entry.day, minute)), "counted twice");
                }
            }
            prop_assert_eq!(Calendar::read(&mut v, "calendar", Some(&read.to_proto())).unwrap(), read.clone());
            let stored = serde_json::to_value(&read.hours).unwrap();
            prop_assert_eq!(serde_json::from_value::<Hours>(stored).unwrap(), read.hours);
        }
    }

    /// No input makes the check panic.
    #[test]
    fn any_calendar_is_answered(
        time_zone in ".{0,20}",
        hours in any::<i32>(), minutes in any::<i32>(), seconds in any::<i32>(),
        year in any::<i32>(), month in any::<i32>(), day in any::<i32>(),
    ) {
        let time = TimeOfDay { hours, minutes, seconds, nanos: 0 };
        let weekly = vec![proto::WeeklyInterval { day, opens: Some(time), closes: Some(time) }];
        let exceptions = vec![proto::CalendarException { date: Some(Date { year, month, day }), ..Default::default() }];
        faults(&proto::Calendar { time_zone, weekly, exceptions });
    }
}
