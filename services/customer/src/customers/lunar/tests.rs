//! The calendar, and the days that are counted by it, against a table of another source.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::LazyLock;

use jiff::{ToSpan, civil::date};
use proptest::prelude::*;

use super::*;

/// A lunar month as the table has it.
#[derive(Debug, Clone, Copy)]
struct TableMonth {
    year: i16,
    month: u8,
    leap: bool,
    first: Date,
    days: u8,
}

static TABLE: LazyLock<Vec<TableMonth>> = LazyLock::new(|| {
    let lines = include_str!("years.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(months_of).collect()
});

fn months_of(line: &str) -> Vec<TableMonth> {
    let [year, first, leap, lengths] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let (year, leap): (i16, u8) = (year.parse().unwrap(), leap.parse().unwrap());
    let mut first: Date = first.parse().unwrap();
    let numbers = (1..=12).flat_map(|month| {
        let ordinary = std::iter::once((month, false));
        ordinary.chain((month == leap).then_some((month, true)))
    });
    assert_eq!(numbers.clone().count(), lengths.len(), "{line}");
    let month = |((month, leap), length): ((u8, bool), char)| {
        let days = if length == 'L' { 30 } else { 29 };
        let made = TableMonth { year, month, leap, first, days };
        first += i32::from(days).days();
        made
    };
    numbers.zip(lengths.chars()).map(month).collect()
}

#[test]
fn every_month_of_1900_to_2100_begins_and_ends_as_the_table_has_it() {
    assert_eq!(TABLE.len(), 201 * 12 + TABLE.iter().filter(|month| month.leap).count());
    for of in TABLE.iter() {
        let month = if of.leap { Month::leap(of.month) } else { Month::new(of.month) };
        let first = first_of(of.year, month).unwrap();
        assert_eq!(first.days_in_month(), of.days, "{of:?}");
        let it = LunarBirthday { year: None, month: of.month, leap_month: of.leap, day: 1 };
        assert_eq!(it.next(of.first), Some(of.first), "{of:?}");
        assert_eq!(it.in_year(of.year).unwrap().day, of.first, "{of:?}");
        let has_leap = TABLE.iter().any(|m| (m.year, m.month, m.leap) == (of.year, of.month, true));
        assert_eq!(first_of(of.year, Month::leap(of.month)).is_some(), has_leap, "{of:?}");
    }
}

fn lunar(month: u8, leap_month: bool, day: u8) -> LunarBirthday {
    LunarBirthday { year: None, month, leap_month, day }
}

#[test]
fn days_that_everybody_knows() {
    let from = |month, day| date(2026, month, day);
    // New Year, the Dragon Boat and the Mid-Autumn festival of 2026; a day after it, the one of 2027.
    assert_eq!(lunar(1, false, 1).next(from(1, 1)), Some(from(2, 17)));
    assert_eq!(lunar(5, false, 5).next(from(6, 19)), Some(from(6, 19)));
    assert_eq!(lunar(5, false, 5).next(from(6, 20)), Some(date(2027, 6, 9)));
    assert_eq!(lunar(8, false, 15).next(from(1, 1)), Some(from(9, 25)));
    // 2025 had a leap 6th month, 2026 has not: it is kept in the ordinary one.
    assert_eq!(lunar(6, true, 1).next(date(2025, 6, 26)), Some(date(2025, 7, 25)));
    assert_eq!(lunar(6, false, 1).next(date(2025, 6, 20)), Some(date(2025, 6, 25)));
    assert_eq!(lunar(6, true, 1).next(from(1, 1)), Some(from(7, 14)));
    // New Year's Eve of 2026 was the 29th.
    assert_eq!(lunar(12, false, 30).next(from(1, 1)), Some(from(2, 16)));
    assert_eq!(lunar(1, false, 1).next(date(2101, 2, 1)), None);
}

fn wrong(told: LunarDate) -> Vec<String> {
    let mut v = Violations::default();
    LunarBirthday::parse(&mut v, "birthday", Some(&told), date(2026, 11, 22));
    v.fields().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_birthday_that_never_was_is_refused_by_its_part() {
    let told = |year, month, leap_month, day| LunarDate { year, month, leap_month, day };
    assert_eq!(wrong(told(1990, 5, true, 10)), [""; 0]);
    assert_eq!(wrong(told(0, 4, true, 30)), [""; 0]);
    assert_eq!(wrong(told(1991, 5, true, 10)), ["birthday.leap_month"]);
    assert_eq!(wrong(told(0, 12, true, 10)), ["birthday.leap_month"]);
    assert_eq!(wrong(told(2025, 12, false, 30)), ["birthday.day"]);
    assert_eq!(wrong(told(2026, 12, false, 1)), ["birthday"]);
    assert_eq!(wrong(told(1899, 0, false, 31)), ["birthday.day", "birthday.month", "birthday.year"]);
    assert_eq!(wrong(told(i32::MIN, i32::MAX, true, -1)).len(), 3);
}

/// Day by day through the table, until one is the birthday.
fn by_the_table(it: LunarBirthday, from: Date) -> Option<Date> {
    let years_own = |of: &TableMonth| {
        let leap_here = TABLE.iter().any(|m| (m.year, m.month, m.leap) == (of.year, it.month, true));
        of.month == it.month && of.leap == (it.leap_month && leap_here)
    };
    let days = TABLE
        .iter()
        .filter(|of| years_own(of))
        .map(|of| of.first + i32::from(it.day.min(of.days) - 1).days());
    days.into_iter().find(|day| *day >= from)
}

proptest! {
    #[test]
    fn the_next_one_is_the_table_s(
        month in 1_u8..=12, leap: bool, day in 1_u8..=30, after in 0_i32..73_000,
    ) {
        let it = lunar(month, leap && !matches!(month, 1 | 12), day);
        let from = date(1901, 1, 1) + after.days();
        prop_assert_eq!(it.next(from), by_the_table(it, from));
        prop_assert!(it.next(from).is_none_or(|next| next >= from && next < from + 400.days()));
    }

    #[test]
    fn any_date_is_answered_and_reads_back(year: i32, month: i32, leap_month: bool, day: i32) {
        let told = LunarDate { year, month, leap_month, day };
        let mut v = Violations::default();
        let read = LunarBirthday::parse(&mut v, "birthday", Some(&told), date(2026, 11, 22));
        prop_assert_eq!(read.is_some(), v.is_empty());
        if let Some(read) = read {
            let (year, month, leap, day) = LunarBirthday::columns(Some(read));
            prop_assert_eq!(LunarBirthday::from_columns(year, month, leap, day), Some(read));
            prop_assert_eq!(read.to_proto(), told);
        }
    }
}
