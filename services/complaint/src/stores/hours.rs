//! The hours that deadlines are counted on, and what to count on while a store's own are not known.

use std::time::Duration;

use foursight_kernel::{
    Error, Result,
    working_time::{Calendar, Deadline},
};
use foursight_proto::{google::r#type::TimeOfDay, identity::v1 as identity};
use jiff::{Timestamp, civil::Date};

/// The calendar that deadlines are counted on.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    calendar: Calendar,
    /// Whether it stands in for the store's own, which is not known (yet).
    stand_in: bool,
}

/// A deadline and why it is then, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) explanation: String,
}

impl Hours {
    pub(crate) fn of_store(calendar: Calendar) -> Self {
        Self { calendar, stand_in: false }
    }

    /// Monday to Sunday 09:00–18:00 in Shanghai: a case is never refused because a store's calendar is late.
    pub(crate) fn stand_in() -> Result<Self> {
        let at = |hours| Some(TimeOfDay { hours, ..TimeOfDay::default() });
        let weekly =
            (1..=7).map(|day| identity::WeeklyInterval { day, opens: at(9), closes: at(18) }).collect();
        let calendar =
            identity::Calendar { time_zone: "Asia/Shanghai".to_owned(), weekly, exceptions: Vec::new() };
        let calendar = Calendar::from_proto(&calendar).map_err(Error::internal)?;
        Ok(Self { calendar, stand_in: true })
    }

    /// When so much working time from `start` is over. A store that never opens is counted on the stand-in.
    pub(crate) fn add_working(&self, start: Timestamp, duration: Duration) -> Result<Due> {
        if let Ok(deadline) = self.calendar.add_working(start, duration) {
            return Ok(self.due(&deadline));
        }
        let stand_in = Self::stand_in()?;
        let deadline = stand_in.calendar.add_working(start, duration).map_err(Error::internal)?;
        Ok(stand_in.due(&deadline))
    }

    /// When so much time from `start` is over, around the clock.
    pub(crate) fn add_elapsed(&self, start: Timestamp, duration: Duration) -> Result<Due> {
        let deadline = self.calendar.add_elapsed(start, duration).map_err(Error::internal)?;
        Ok(Due { at: deadline.at, explanation: deadline.explanation.to_string() })
    }

    /// The first day of the month on the store's wall.
    pub(crate) fn month(&self, at: Timestamp) -> Date {
        self.calendar.local_date(at).first_of_month()
    }

    fn due(&self, deadline: &Deadline) -> Due {
        let mut explanation = deadline.explanation.to_string();
        if self.stand_in {
            explanation.push_str(
                "\n门店营业时间未知，按周一至周日 09:00–18:00（Asia/Shanghai）计算\n\
                 the store's opening hours are not known: counted on Monday to Sunday 09:00–18:00 in Asia/Shanghai",
            );
        }
        Due { at: deadline.at, explanation }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_explanation_says_that_the_hours_are_not_the_stores() {
        let never_opens =
            identity::Calendar { time_zone: "Asia/Shanghai".to_owned(), ..identity::Calendar::default() };
        let hours = Hours::of_store(Calendar::from_proto(&never_opens).unwrap());
        let start = "2026-11-06T17:00:00+08".parse().unwrap();
        let due = hours.add_working(start, Duration::from_hours(2)).unwrap();
        assert_eq!(due.at, "2026-11-07T10:00:00+08".parse().unwrap());
        assert!(due.explanation.contains("门店营业时间未知"), "{}", due.explanation);
        assert!(due.explanation.contains("the store's opening hours are not known"), "{}", due.explanation);
    }
}
