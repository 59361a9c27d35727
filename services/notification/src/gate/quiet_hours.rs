//! The hours of the night, and of noon where a group wants it, in which nobody is disturbed.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Time, tz::TimeZone};

/// A daily span of local time, half open: the first minute is quiet, the last one is not. It may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuietHours {
    /// First quiet moment.
    pub(crate) from: Time,
    /// First moment that is not quiet any more; the same as `from` for no quiet hours at all.
    pub(crate) until: Time,
}

impl QuietHours {
    /// Whether a local time of day is quiet.
    pub(crate) fn contains(self, time: Time) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }

    /// When the quiet hours that hold at `now` end; `None` when it is not quiet.
    ///
    /// The answer is after `now` and not quiet itself, on days with 23 or 25 hours, too: an end that the clocks jump over
    /// moves behind the jump, and of an end that comes twice the first that still lies ahead is taken.
    pub(crate) fn end(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_datetime(now);
        if !self.contains(local.time()) {
            return None;
        }
        let awake = |at: &Timestamp| *at > now && !self.contains(zone.to_datetime(*at).time());
        (0..3)
            .filter_map(|days| local.date().checked_add(days.days()).ok())
            .map(|date| zone.to_ambiguous_timestamp(date.to_datetime(self.until)))
            .flat_map(|end| [end.earlier(), end.later()])
            .filter_map(Result::ok)
            .find(awake)
            // No zone is like that; then the question is asked again.
            .or_else(|| now.checked_add(SignedDuration::from_hours(1)).ok())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    const NIGHT: QuietHours = QuietHours { from: time(20, 0, 0, 0), until: time(9, 0, 0, 0) };

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_evening_waits_for_the_next_morning() {
        let shanghai = zone("Asia/Shanghai");
        assert_eq!(
            NIGHT.end(at("2026-03-01T20:00:00+08:00"), &shanghai),
            Some(at("2026-03-02T09:00:00+08:00"))
        );
        assert_eq!(
            NIGHT.end(at("2026-03-02T00:00:00+08:00"), &shanghai),
            Some(at("2026-03-02T09:00:00+08:00"))
        );
        assert_eq!(
            NIGHT.end(at("2026-03-02T08:59:59+08:00"), &shanghai),
            Some(at("2026-03-02T09:00:00+08:00"))
        );
    }

    #[test]
    fn the_day_does_not_wait() {
        let shanghai = zone("Asia/Shanghai");
        assert_eq!(NIGHT.end(at("2026-03-02T09:00:00+08:00"), &shanghai), None);
        assert_eq!(NIGHT.end(at("2026-03-02T19:59:59+08:00"), &shanghai), None);
    }

    #[test]
    fn the_short_and_the_long_night_end_at_nine_all_the_same() {
        let berlin = zone("Europe/Berlin");
        assert_eq!(
            NIGHT.end(at("2026-03-28T21:00:00+01:00"), &berlin),
            Some(at("2026-03-29T09:00:00+02:00"))
        );
        assert_eq!(
            NIGHT.end(at("2026-10-24T21:00:00+02:00"), &berlin),
            Some(at("2026-10-25T09:00:00+01:00"))
        );
    }

    #[test]
    fn an_end_that_the_clocks_jump_over_moves_behind_the_jump() {
        let quiet = QuietHours { from: time(22, 0, 0, 0), until: time(2, 30, 0, 0) };
        let end = quiet.end(at("2026-03-29T01:00:00+01:00"), &zone("Europe/Berlin"));
        assert_eq!(end, Some(at("2026-03-29T03:30:00+02:00")));
    }

    #[test]
    fn equal_times_mean_no_quiet_hours() {
        let none = QuietHours { from: time(9, 0, 0, 0), until: time(9, 0, 0, 0) };
        assert_eq!(none.end(at("2026-03-02T01:00:00Z"), &zone("Asia/Shanghai")), None);
    }

    proptest! {
        /// Against the oracle that looks at each minute: quiet until the end, awake at the end. Only a jump of the clocks
        /// (at most an hour) may lie between the first minute awake and the end.
        #[test]
        fn the_end_is_the_first_minute_awake(
            minute in 28_000_000_i64..29_500_000,
            from in 0_i8..24, until in 0_i8..24, half in any::<bool>(),
            zone_name in prop::sample::select(vec![
                "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
            ]),
        ) {
            let zone = zone(zone_name);
            let quiet = QuietHours { from: time(from, 0, 0, 0), until: time(until, if half { 30 } else { 0 }, 0, 0) };
            let now = Timestamp::from_second(minute * 60).unwrap();
            let quiet_at = |at: Timestamp| quiet.contains(zone.to_datetime(at).time());
            match quiet.end(now, &zone) {
                None => prop_assert!(!quiet_at(now)),
                Some(end) => {
                    prop_assert!(end > now);
                    prop_assert!(!quiet_at(end));
                    let mut awake = 0;
                    let mut at = now;
                    while at < end {
                        awake += i32::from(!quiet_at(at));
                        at += SignedDuration::from_mins(1);
                    }
                    prop_assert!(awake <= 60, "awake for {} minutes before the end", awake);
                }
            }
        }
    }
}
