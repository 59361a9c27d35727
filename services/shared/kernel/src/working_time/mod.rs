//! Working time: a store's calendar, and counting on it.
//!
//! One definition carries everything: **an instant counts when the clock on the store's wall shows a time that lies in
//! one of the day's opening intervals**. Intervals are half-open: the opening minute counts, the closing minute does
//! not. So an hour that daylight saving repeats counts twice, an hour that it skips does not count, and a day that an
//! exception names follows the exception alone (public holidays, make-up working days 调休, the store's own).
//!
//! Counting walks over stretches of constant offset from UTC and the dates in them, never over minutes; the tests
//! compare it with an oracle that does look at every minute.

mod count;
mod explanation;
mod from_proto;
#[cfg(test)]
mod oracle;
mod walk;

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

pub use count::{Deadline, NoWorkingTime, SEARCH_DAYS};
pub use explanation::{Counting, Explanation, Step};
pub use from_proto::{CalendarErrors, CalendarViolation};

/// When a store works. Made from the proto by [`Calendar::from_proto`], which refuses what cannot be counted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    /// By weekday from Monday; each day's intervals in order, without overlap.
    weekly: [Vec<Interval>; 7],
    exceptions: BTreeMap<Date, Exception>,
}

/// Minutes of one day, half-open: `opens` counts, `closes` does not; 1440 is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Interval {
    opens: u16,
    closes: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    open: Vec<Interval>,
    reason: Option<String>,
}

impl Calendar {
    /// The zone in which the intervals are meant.
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The date on the store's wall at this instant.
    pub fn local_date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// Whether this instant counts as working time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        // Intervals have whole minutes, so the seconds do not matter.
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.day(local.date()).0.iter().any(|interval| interval.opens <= minute && minute < interval.closes)
    }

    /// The intervals of a date, and why they differ from the week's, if they do and somebody said why.
    fn day(&self, date: Date) -> (&[Interval], Option<&str>) {
        match self.exceptions.get(&date) {
            Some(exception) => (&exception.open, exception.reason.as_deref()),
            None => (&self.weekly[index(date.weekday())], None),
        }
    }
}

fn index(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}
