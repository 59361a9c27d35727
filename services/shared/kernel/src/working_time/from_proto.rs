//! A calendar from the proto, with everything that is wrong with it told at once.

use std::{collections::BTreeMap, fmt};

use foursight_proto::{google::r#type as common, identity::v1 as proto};
use jiff::{civil::Date, tz::TimeZone};

use super::{Calendar, Exception, Interval};

/// Enough for an interval every quarter of an hour.
const MOST_WEEKLY: usize = 7 * 96;
/// Enough for twenty years of public holidays and the days made up for them.
const MOST_EXCEPTIONS: usize = 2000;
const MOST_PER_DAY: usize = 96;
const LONGEST_REASON: usize = 100;

/// One thing that is wrong with a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarViolation {
    /// Path below the calendar, for example `weekly[2].closes`.
    pub field: String,
    /// What is wrong and what would be right; lowercase, without a full stop.
    pub description: String,
}

/// Everything that is wrong with a calendar, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CalendarErrors(pub Vec<CalendarViolation>);

impl fmt::Display for CalendarErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, CalendarViolation { field, description }) in self.0.iter().enumerate() {
            write!(f, "{}{field}: {description}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Calendar {
    /// Checks and converts.
    ///
    /// # Errors
    /// Every violation at once: an unknown time zone, times that are no times, intervals that are empty or overlap,
    /// dates that are no dates or come twice. A calendar without any interval is allowed; a deadline on it is not found.
    pub fn from_proto(calendar: &proto::Calendar) -> Result<Self, CalendarErrors> {
        let mut found = Found::default();
        let zone = found.zone(&calendar.time_zone);
        let weekly = found.weekly(&calendar.weekly);
        let exceptions = found.exceptions(&calendar.exceptions);
        match zone {
            Some(zone) if found.0.is_empty() => Ok(Self { zone, weekly, exceptions }),
            _ => Err(CalendarErrors(found.0)),
        }
    }
}

#[derive(Default)]
struct Found(Vec<CalendarViolation>);

impl Found {
    fn push(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(CalendarViolation { field: field.into(), description: description.into() });
    }

    fn zone(&mut self, name: &str) -> Option<TimeZone> {
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            self.push("time_zone", "not a known time zone; use a name such as Asia/Shanghai");
        }
        zone
    }

    fn weekly(&mut self, intervals: &[proto::WeeklyInterval]) -> [Vec<Interval>; 7] {
        let mut week: [Vec<(usize, Interval)>; 7] = Default::default();
        if intervals.len() > MOST_WEEKLY {
            self.push("weekly", format!("at most {MOST_WEEKLY} intervals"));
            return Default::default();
        }
        for (at, interval) in intervals.iter().enumerate() {
            let path = format!("weekly[{at}]");
            // The proto's days count from Monday = 1.
            let day = usize::try_from(interval.day).ok().filter(|day| (1..=7).contains(day));
            if day.is_none() {
                self.push(format!("{path}.day"), "a day of the week is needed");
            }
            let times = self.interval(&path, interval.opens.as_ref(), interval.closes.as_ref());
            if let (Some(day), Some(times)) = (day, times) {
                week[day - 1].push((at, times));
            }
        }
        week.map(|day| self.in_order(day, |at| format!("weekly[{at}]")))
    }

    fn exceptions(&mut self, exceptions: &[proto::CalendarException]) -> BTreeMap<Date, Exception> {
        let mut days = BTreeMap::new();
        if exceptions.len() > MOST_EXCEPTIONS {
            self.push("exceptions", format!("at most {MOST_EXCEPTIONS} days"));
            return days;
        }
        for (at, exception) in exceptions.iter().enumerate() {
            let path = format!("exceptions[{at}]");
            let date = self.date(&path, exception.date.as_ref());
            let reason = self.reason(&path, &exception.reason);
            let open = self.day(&path, &exception.open);
            if let Some(date) = date
                && days.insert(date, Exception { open, reason }).is_some()
            {
                self.push(format!("{path}.date"), "this day is named twice; put its intervals together");
            }
        }
        days
    }

    fn day(&mut self, path: &str, intervals: &[proto::TimeInterval]) -> Vec<Interval> {
        if intervals.len() > MOST_PER_DAY {
            self.push(format!("{path}.open"), format!("at most {MOST_PER_DAY} intervals a day"));
            return Vec::new();
        }
        let mut day = Vec::new();
        for (at, interval) in intervals.iter().enumerate() {
            let path = format!("{path}.open[{at}]");
            if let Some(times) = self.interval(&path, interval.opens.as_ref(), interval.closes.as_ref()) {
                day.push((at, times));
            }
        }
        self.in_order(day, |at| format!("{path}.open[{at}]"))
    }

    fn date(&mut self, path: &str, date: Option<&common::Date>) -> Option<Date> {
        let converted = date.and_then(|date| {
            // Year 0 stands for "every year" in the proto; a holiday's date differs every year.
            let year = i16::try_from(date.year).ok().filter(|year| (1970..=9998).contains(year))?;
            Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        });
        if converted.is_none() {
            self.push(format!("{path}.date"), "a full date is needed, with year, month and day");
        }
        converted
    }

    fn reason(&mut self, path: &str, reason: &str) -> Option<String> {
        let reason = reason.trim();
        if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
            self.push(format!("{path}.reason"), format!("at most {LONGEST_REASON} characters, on one line"));
        }
        (!reason.is_empty()).then(|| reason.to_owned())
    }

    fn interval(
        &mut self,
        path: &str,
        opens: Option<&common::TimeOfDay>,
        closes: Option<&common::TimeOfDay>,
    ) -> Option<Interval> {
        let opens = self.minute(&format!("{path}.opens"), opens);
        let closes = self.minute(&format!("{path}.closes"), closes);
        let (opens, closes) = (opens?, closes?);
        if opens >= closes {
            self.push(
                format!("{path}.closes"),
                "must be later than opens; an interval over midnight is two, the first until 24:00",
            );
            return None;
        }
        Some(Interval { opens, closes })
    }

    fn minute(&mut self, field: &str, time: Option<&common::TimeOfDay>) -> Option<u16> {
        let minute = time.and_then(|time| {
            let whole = time.seconds == 0 && time.nanos == 0 && (0..60).contains(&time.minutes);
            let minute = time.hours.checked_mul(60)?.checked_add(time.minutes)?;
            u16::try_from(minute).ok().filter(|minute| whole && *minute <= 24 * 60)
        });
        if minute.is_none() {
            self.push(field, "a time of whole minutes from 00:00 to 24:00 is needed");
        }
        minute
    }

    /// One day's intervals by time; those that overlap are violations.
    fn in_order(&mut self, mut day: Vec<(usize, Interval)>, path: impl Fn(usize) -> String) -> Vec<Interval> {
        day.sort_by_key(|(_, interval)| *interval);
        for pair in day.windows(2) {
            if let [(first, earlier), (second, later)] = pair
                && later.opens < earlier.closes
            {
                self.push(path(*second), format!("overlaps {}", path(*first)));
            }
        }
        day.into_iter().map(|(_, interval)| interval).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn time(hours: i32, minutes: i32) -> common::TimeOfDay {
        common::TimeOfDay { hours, minutes, ..Default::default() }
    }

    #[test]
    fn every_violation_is_told() {
        let weekly = |day, opens, closes| proto::WeeklyInterval { day, opens, closes };
        let calendar = proto::Calendar {
            time_zone: "Mars/Olympus".to_owned(),
            weekly: vec![
                weekly(0, Some(time(9, 0)), Some(time(12, 0))),
                weekly(1, Some(time(9, 0)), Some(time(9, 0))),
                weekly(2, None, Some(time(24, 1))),
                weekly(3, Some(time(9, 0)), Some(time(12, 0))),
                weekly(3, Some(time(11, 59)), Some(time(24, 0))),
            ],
            exceptions: vec![
                proto::CalendarException {
                    date: Some(common::Date { year: 2026, month: 2, day: 29 }),
                    ..Default::default()
                },
                proto::CalendarException {
                    date: Some(common::Date { year: 2026, month: 10, day: 1 }),
                    reason: "国".repeat(101),
                    ..Default::default()
                },
                proto::CalendarException {
                    date: Some(common::Date { year: 2026, month: 10, day: 1 }),
                    ..Default::default()
                },
            ],
        };
        let fields: Vec<_> =
            Calendar::from_proto(&calendar).unwrap_err().0.into_iter().map(|v| v.field).collect();
        assert_eq!(
            fields,
            [
                "time_zone",
                "weekly[0].day",
                "weekly[1].closes",
                "weekly[2].opens",
                "weekly[2].closes",
                "weekly[4]",
                "exceptions[0].date",
                "exceptions[1].reason",
                "exceptions[2].date",
            ]
        );
    }

    #[test]
    fn intervals_may_touch_and_come_in_any_order() {
        let weekly = |opens, closes| proto::WeeklyInterval { day: 1, opens, closes };
        let calendar = proto::Calendar {
            time_zone: "Asia/Shanghai".to_owned(),
            weekly: vec![
                weekly(Some(time(12, 0)), Some(time(24, 0))),
                weekly(Some(time(0, 0)), Some(time(12, 0))),
            ],
            exceptions: Vec::new(),
        };
        Calendar::from_proto(&calendar).unwrap();
    }
}
