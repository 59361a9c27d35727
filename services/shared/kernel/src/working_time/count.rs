//! Counting: when a duration of working time is over, and how much of it lies between two instants.

use std::{ops::ControlFlow, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Calendar, Counting, Explanation, explanation::Steps};

/// How far ahead a deadline is looked for, in days of 24 hours. No deadline of the trade is a year of working time away,
/// and a store that does not open for that long has closed.
pub const SEARCH_DAYS: i64 = 400;

/// When a duration of working time is over, and why then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The first instant by which all of the duration has been counted. A duration that fills an interval to its end is
    /// over when that interval closes, not when the next one opens.
    pub at: Timestamp,
    /// Which intervals were counted.
    pub explanation: Explanation,
}

/// The calendar does not open for that long within [`SEARCH_DAYS`] days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the calendar has not enough working time in the next {SEARCH_DAYS} days; give it opening hours")]
pub struct NoWorkingTime;

impl Calendar {
    /// When `duration` of working time from `start` is over.
    ///
    /// # Errors
    /// [`NoWorkingTime`] when it is not over within [`SEARCH_DAYS`] days.
    pub fn add_working(&self, start: Timestamp, duration: Duration) -> Result<Deadline, NoWorkingTime> {
        let wanted = SignedDuration::try_from(duration).map_err(|_| NoWorkingTime)?;
        let horizon =
            start.checked_add(SignedDuration::from_hours(SEARCH_DAYS * 24)).unwrap_or(Timestamp::MAX);
        let mut left = wanted;
        let mut at = (left.is_zero()).then_some(start);
        let mut steps = Steps::default();
        if at.is_none() {
            self.walk(start, horizon, |day| {
                if day.closed {
                    steps.closed(day.date, day.reason);
                }
                for (opens, closes) in day.windows {
                    let length = closes.duration_since(opens);
                    if length >= left {
                        // In range: it is at most `closes`.
                        let end = opens.checked_add(left).unwrap_or(closes);
                        steps.counted(day.date, opens, end, day.reason);
                        at = Some(end);
                        return ControlFlow::Break(());
                    }
                    steps.counted(day.date, opens, closes, day.reason);
                    left -= length;
                }
                ControlFlow::Continue(())
            });
        }
        let at = at.ok_or(NoWorkingTime)?;
        let (zone, steps) = (self.zone.clone(), steps.finish());
        let explanation =
            Explanation { zone, counting: Counting::WorkingTime, start, at, duration: wanted, steps };
        Ok(Deadline { at, explanation })
    }

    /// When `duration` from `start` is over on a clock that never stands still, explained in the same words.
    ///
    /// # Errors
    /// [`NoWorkingTime`] when time itself ends before.
    pub fn add_elapsed(&self, start: Timestamp, duration: Duration) -> Result<Deadline, NoWorkingTime> {
        let duration = SignedDuration::try_from(duration).map_err(|_| NoWorkingTime)?;
        let at = start.checked_add(duration).map_err(|_| NoWorkingTime)?;
        let (zone, steps) = (self.zone.clone(), Vec::new());
        let explanation =
            Explanation { zone, counting: Counting::AroundTheClock, start, at, duration, steps };
        Ok(Deadline { at, explanation })
    }

    /// The working time in `[a, b)`; negative when `b` is before `a`.
    pub fn working_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        if b < a {
            return -self.working_between(b, a);
        }
        let mut sum = SignedDuration::ZERO;
        self.walk(a, b, |day| {
            for (opens, closes) in day.windows {
                sum += closes.duration_since(opens);
            }
            ControlFlow::Continue(())
        });
        sum
    }
}
