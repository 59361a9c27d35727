//! Birthdays by the Chinese lunar calendar 农历, and the solar days on which they are kept.
//!
//! The calendar is GB/T 33661-2017, as `icu_calendar` has it precomputed until the lunar year 2100; a table of another source
//! stands beside the tests.

use foursight_kernel::Violations;
use foursight_proto::customer::v1::LunarDate;
use icu_calendar::{Date as CalendarDate, Iso, cal::ChineseTraditional, types::Month};
use jiff::civil::Date;

const FIRST_YEAR: i16 = 1900;
const LAST_YEAR: i16 = 2100;

/// A birthday by the lunar calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LunarBirthday {
    /// By the solar year in which the lunar year begins; not everybody tells it.
    pub(crate) year: Option<i16>,
    /// 1 to 12.
    pub(crate) month: u8,
    pub(crate) leap_month: bool,
    /// 1 to 30.
    pub(crate) day: u8,
}

impl LunarBirthday {
    /// Reads a birthday, which may be absent. With its year it must have been; without, it must be able to be.
    pub(crate) fn parse(
        v: &mut Violations,
        field: &str,
        told: Option<&LunarDate>,
        today: Date,
    ) -> Option<Self> {
        let told = told?;
        let number = |v: &mut Violations, name: &str, value: i32, most: u8| {
            let found = u8::try_from(value).ok().filter(|number| (1..=most).contains(number));
            if found.is_none() {
                v.push(format!("{field}.{name}"), format!("must be from 1 to {most}"));
            }
            found
        };
        let month = number(v, "month", told.month, 12);
        let day = number(v, "day", told.day, 30);
        let year = i16::try_from(told.year).ok().filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year));
        if told.year != 0 && year.is_none() {
            v.push(
                format!("{field}.year"),
                format!("must be from {FIRST_YEAR} to {LAST_YEAR}, or absent when it is not known"),
            );
            return None;
        }
        let it = Self { year, month: month?, leap_month: told.leap_month, day: day? };
        if it.leap_month && matches!(it.month, 1 | 12) {
            v.push(format!("{field}.leap_month"), "there is no leap month after the 1st and the 12th");
            return None;
        }
        if let Some(year) = year {
            it.check_in(year, v, field, today)?;
        }
        Some(it)
    }

    /// Refuses a day that the year did not have, or that is still to come.
    fn check_in(self, year: i16, v: &mut Violations, field: &str, today: Date) -> Option<()> {
        if self.leap_month && first_of(year, Month::leap(self.month)).is_none() {
            v.push(format!("{field}.leap_month"), "that year has no such leap month");
            return None;
        }
        let kept = self.in_year(year)?;
        if kept.is_short {
            v.push(format!("{field}.day"), "that month has 29 days only");
            return None;
        }
        if kept.day > today {
            v.push(field, "must not be in the future");
            return None;
        }
        Some(())
    }

    /// The first solar day on or after `from` on which it is kept. `None` when that is not known: before 1900, and after the
    /// lunar year 2100.
    ///
    /// A birthday in a leap month is kept in that month in the years that have it, and in the ordinary month of the same number
    /// in all others; one on the 30th on the last day of a month of 29 days. So people keep it, and so the standards for
    /// calendars on computers have it: ECMA-402's Temporal (the proposal "Intl era and monthCode", overflow "constrain" of
    /// `chinese`) takes month `M04L` for `M04` where there is none, and the day for the last one that there is.
    pub(crate) fn next(self, from: Date) -> Option<Date> {
        // A lunar year ends in January or February of the solar year after its own.
        (from.year() - 1..=from.year() + 1)
            .filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
            .filter_map(|year| self.in_year(year))
            .map(|kept| kept.day)
            .find(|day| *day >= from)
    }

    fn in_year(self, year: i16) -> Option<Kept> {
        let first = self
            .leap_month
            .then(|| first_of(year, Month::leap(self.month)))
            .flatten()
            .or_else(|| first_of(year, Month::new(self.month)))?;
        let last = first.days_in_month();
        let solar = CalendarDate::try_new(
            i32::from(year).into(),
            first.month().to_input(),
            self.day.min(last),
            ChineseTraditional::new(),
        )
        .ok()?
        .to_calendar(Iso);
        let part = |number: u8| i8::try_from(number).ok();
        let solar_year = i16::try_from(solar.year().extended_year()).ok()?;
        let day = Date::new(solar_year, part(solar.month().number())?, part(solar.day_of_month().0)?).ok()?;
        Some(Kept { day, is_short: self.day > last })
    }

    /// In the API's form.
    pub(crate) fn to_proto(self) -> LunarDate {
        LunarDate {
            year: self.year.map_or(0, i32::from),
            month: self.month.into(),
            leap_month: self.leap_month,
            day: self.day.into(),
        }
    }

    /// What its columns hold: `lunar_year`, `lunar_month`, `lunar_leap`, `lunar_day`.
    pub(crate) fn columns(it: Option<Self>) -> (Option<i16>, Option<i16>, Option<bool>, Option<i16>) {
        let month = it.map(|it| i16::from(it.month));
        (it.and_then(|it| it.year), month, it.map(|it| it.leap_month), it.map(|it| i16::from(it.day)))
    }

    /// What columns hold; `None` in a file without one.
    pub(crate) fn from_columns(
        year: Option<i16>,
        month: Option<i16>,
        leap_month: Option<bool>,
        day: Option<i16>,
    ) -> Option<Self> {
        let number = |column: Option<i16>| column.and_then(|number| u8::try_from(number).ok());
        Some(Self { year, month: number(month)?, leap_month: leap_month?, day: number(day)? })
    }
}

/// When a birthday is kept in a year.
struct Kept {
    day: Date,
    /// The month has 29 days only, and it is on the 30th.
    is_short: bool,
}

/// `None` where the year has no such month.
fn first_of(year: i16, month: Month) -> Option<CalendarDate<ChineseTraditional>> {
    CalendarDate::try_new(i32::from(year).into(), month, 1, ChineseTraditional::new()).ok()
}

#[cfg(test)]
mod tests;
