//! A calendar month. Which instants it holds is decided by the store's time zone, in the database.

use std::fmt;

use jiff::civil::{Date, date};

/// A month from 2000-01 to 2100-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// Reads `2026-11`; nothing else, not even `2026-1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        ((2000..=2100).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// Months since the year 0: the difference of two is the number of months between them.
    fn ordinal(self) -> i32 {
        i32::from(self.year) * 12 + i32::from(self.month) - 1
    }

    /// How many months from this one to `last`, both included; 0 or less when `last` is earlier.
    pub(super) fn count_to(self, last: Self) -> i32 {
        last.ordinal() - self.ordinal() + 1
    }

    /// The month's first day.
    pub(super) fn first_day(self) -> Date {
        date(self.year, self.month, 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_no_month() {
        for text in [
            "2026-13",
            "2026-00",
            "2026-1",
            "26-01",
            "2026-011",
            "2026/01",
            "1999-12",
            "2101-01",
            "",
            "+026-01",
            "2026-+1",
            "２０２６-01",
        ] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(year in 2000_i16..=2100, month in 1_i8..=12) {
            let read = Month::parse(&format!("{year}-{month:02}")).unwrap();
            prop_assert_eq!(read.first_day(), date(year, month, 1));
            prop_assert_eq!(Month::parse(&read.to_string()), Some(read));
        }

        #[test]
        fn never_fails_on_any_text(text in ".{0,12}") {
            if let Some(month) = Month::parse(&text) {
                prop_assert_eq!(month.to_string(), text);
            }
        }

        #[test]
        fn counts_months(year in 2000_i16..=2090, month in 1_i8..=12, more in 0_i32..100) {
            let first = Month { year, month };
            let ordinal = first.ordinal() + more;
            let last = Month { year: (ordinal / 12).try_into().unwrap(), month: (ordinal % 12 + 1).try_into().unwrap() };
            prop_assert_eq!(first.count_to(last), more + 1);
            prop_assert!(first <= last);
        }
    }
}
