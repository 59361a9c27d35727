//! A store's opening hours as identity keeps them: whole minutes, in order.
//!
//! What a right calendar is, and counting working time on it, is the kernel's business ([`working_time`]): identity lets
//! no calendar in that the clocks could not count on.

use foursight_kernel::{Violations, working_time};
use foursight_proto::{
    google::r#type::{Date, TimeOfDay},
    identity::v1 as proto,
};
use jiff::civil;
use serde::{Deserialize, Serialize};

/// When a store works, and on which clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// The IANA name in its canonical spelling.
    pub(crate) time_zone: String,
    pub(crate) hours: Hours,
}

/// A store that is hardly ever open has no working time to count deadlines on.
const LEAST_MINUTES_A_WEEK: u32 = 8 * 60;

/// The week and the days that differ from it; the form in the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hours {
    /// Ordered by day and opening; no two overlap.
    weekly: Vec<Weekly>,
    /// Ordered by date; no two of one date.
    exceptions: Vec<Exception>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Weekly {
    /// 1 is Monday, 7 is Sunday.
    day: u8,
    #[serde(flatten)]
    interval: Interval,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Exception {
    date: civil::Date,
    /// Empty: closed all day.
    open: Vec<Interval>,
    reason: String,
}

/// Half-open, in minutes since the start of the day; `closes` may be 1440, the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Interval {
    opens: u16,
    closes: u16,
}

impl Calendar {
    /// Checks a calendar that somebody sent; every fault goes to `v` under the path `field`.
    pub(crate) fn read(v: &mut Violations, field: &str, sent: Option<&proto::Calendar>) -> Option<Self> {
        let Some(sent) = sent else {
            v.push(field, "is required");
            return None;
        };
        match working_time::Calendar::from_proto(sent) {
            Ok(checked) => {
                let hours = Hours::of(sent);
                if hours.minutes_a_week() < LEAST_MINUTES_A_WEEK {
                    v.push(
                        format!("{field}.weekly"),
                        "must have at least 8 hours in a week: deadlines are counted on them",
                    );
                }
                let time_zone = checked.time_zone().iana_name().unwrap_or(&sent.time_zone).to_owned();
                Some(Self { time_zone, hours })
            }
            Err(errors) => {
                for violation in errors.0 {
                    v.push(format!("{field}.{}", violation.field), violation.description);
                }
                None
            }
        }
    }

    /// The calendar in the proto's form.
    pub(crate) fn to_proto(&self) -> proto::Calendar {
        proto::Calendar {
            time_zone: self.time_zone.clone(),
            weekly: self.hours.weekly.iter().map(Weekly::to_proto).collect(),
            exceptions: self.hours.exceptions.iter().map(Exception::to_proto).collect(),
        }
    }
}

impl Hours {
    fn minutes_a_week(&self) -> u32 {
        self.weekly
            .iter()
            .map(|open| u32::from(open.interval.closes.saturating_sub(open.interval.opens)))
            .sum()
    }

    /// Puts checked hours in order.
    fn of(checked: &proto::Calendar) -> Self {
        let mut weekly: Vec<Weekly> = checked.weekly.iter().filter_map(Weekly::of).collect();
        weekly.sort_unstable();
        let mut exceptions: Vec<Exception> = checked.exceptions.iter().filter_map(Exception::of).collect();
        exceptions.sort_unstable_by_key(|exception| exception.date);
        Self { weekly, exceptions }
    }
}

impl Weekly {
    fn of(checked: &proto::WeeklyInterval) -> Option<Self> {
        let day = u8::try_from(checked.day).ok()?;
        Some(Self { day, interval: Interval::of(checked.opens.as_ref(), checked.closes.as_ref())? })
    }

    fn to_proto(&self) -> proto::WeeklyInterval {
        let (opens, closes) = self.interval.to_proto();
        proto::WeeklyInterval { day: i32::from(self.day), opens, closes }
    }
}

impl Exception {
    fn of(checked: &proto::CalendarException) -> Option<Self> {
        let date = checked.date.as_ref()?;
        let part = |number: i32| i8::try_from(number).ok();
        let date =
            civil::Date::new(i16::try_from(date.year).ok()?, part(date.month)?, part(date.day)?).ok()?;
        let interval = |open: &proto::TimeInterval| Interval::of(open.opens.as_ref(), open.closes.as_ref());
        let mut open: Vec<Interval> = checked.open.iter().filter_map(interval).collect();
        open.sort_unstable();
        Some(Self { date, open, reason: checked.reason.trim().to_owned() })
    }

    fn to_proto(&self) -> proto::CalendarException {
        let (year, month, day) = (self.date.year(), self.date.month(), self.date.day());
        let interval = |interval: &Interval| {
            let (opens, closes) = interval.to_proto();
            proto::TimeInterval { opens, closes }
        };
        proto::CalendarException {
            date: Some(Date { year: year.into(), month: month.into(), day: day.into() }),
            open: self.open.iter().map(interval).collect(),
            reason: self.reason.clone(),
        }
    }
}

impl Interval {
    fn of(opens: Option<&TimeOfDay>, closes: Option<&TimeOfDay>) -> Option<Self> {
        let minute = |time: &TimeOfDay| u16::try_from(time.hours * 60 + time.minutes).ok();
        Some(Self { opens: minute(opens?)?, closes: minute(closes?)? })
    }

    fn to_proto(self) -> (Option<TimeOfDay>, Option<TimeOfDay>) {
        let time = |minutes: u16| {
            Some(TimeOfDay {
                hours: i32::from(minutes / 60),
                minutes: i32::from(minutes % 60),
                seconds: 0,
                nanos: 0,
            })
        };
        (time(self.opens), time(self.closes))
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
