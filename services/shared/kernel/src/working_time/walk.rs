//! The opening intervals of a stretch of time, as instants and in order.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::Offset};

use super::Calendar;

/// One date as far as it lies in the walk, at one offset from UTC. A date on which the offset changes comes twice.
pub(super) struct Day<'a> {
    pub(super) date: Date,
    pub(super) reason: Option<&'a str>,
    /// No interval at all, rather than none that lies in the walk.
    pub(super) closed: bool,
    /// Half-open, in order, clipped to the walk.
    pub(super) windows: Vec<(Timestamp, Timestamp)>,
}

impl Calendar {
    /// Visits the dates of `[from, until)` in order until `visit` breaks.
    pub(super) fn walk<'a>(
        &'a self,
        from: Timestamp,
        until: Timestamp,
        mut visit: impl FnMut(Day<'a>) -> ControlFlow<()>,
    ) {
        let mut start = from;
        while start < until {
            let end = match self.zone.following(start).next() {
                Some(transition) => transition.timestamp().min(until),
                None => until,
            };
            let offset = self.zone.to_offset(start);
            if self.walk_constant(offset, start, end, &mut visit).is_break() {
                return;
            }
            start = end;
        }
    }

    /// The dates of `[start, end)`, in which the offset from UTC does not change.
    fn walk_constant<'a>(
        &'a self,
        offset: Offset,
        start: Timestamp,
        end: Timestamp,
        visit: &mut impl FnMut(Day<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut date = offset.to_datetime(start).date();
        while let Ok(midnight) = offset.to_timestamp(date.at(0, 0, 0, 0)) {
            if midnight >= end {
                break;
            }
            let (intervals, reason) = self.day(date);
            let windows = intervals
                .iter()
                .filter_map(|interval| {
                    let opens = midnight.checked_add(minutes(interval.opens)).ok()?.max(start);
                    let closes = midnight.checked_add(minutes(interval.closes)).ok()?.min(end);
                    (opens < closes).then_some((opens, closes))
                })
                .collect();
            visit(Day { date, reason, closed: intervals.is_empty(), windows })?;
            match date.tomorrow() {
                Ok(tomorrow) => date = tomorrow,
                Err(_) => break,
            }
        }
        ControlFlow::Continue(())
    }
}

fn minutes(of_day: u16) -> SignedDuration {
    SignedDuration::from_mins(i64::from(of_day))
}
