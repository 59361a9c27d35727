//! How far from now the times may lie that somebody tells: what is further off is a slip of the pen, and would spoil every
//! figure and deadline that is counted from it.

use foursight_kernel::Violations;
use jiff::{SignedDuration, Timestamp};

/// By how much the clock of who tells may be fast.
const FAST_CLOCK: SignedDuration = SignedDuration::from_mins(5);
/// A car is driven for 15 years, and a few for twice as long: nothing older is imported.
const PAST_YEARS: i64 = 30;
/// What waits for a part from overseas waits for months; nobody promises further ahead.
const AHEAD_YEARS: i64 = 1;
/// Leap years included.
const YEAR_H: i64 = 366 * 24;

/// When something happened: now when absent. Up to 5 minutes ahead count as now; not more than 30 years back.
pub(crate) fn past(v: &mut Violations, field: &str, told: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let Some(told) = told else { return now };
    let ago = now.duration_since(told);
    if ago < -FAST_CLOCK {
        v.push(field, "must not be in the future");
    } else if ago > SignedDuration::from_hours(PAST_YEARS * YEAR_H) {
        v.push(field, format!("must not be more than {PAST_YEARS} years ago"));
    }
    told.min(now)
}

/// When something is to be: not in the past, a fast clock of 5 minutes aside; not more than a year ahead.
pub(crate) fn ahead(
    v: &mut Violations,
    field: &str,
    told: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let told = told?;
    let until = told.duration_since(now);
    if until < -FAST_CLOCK {
        v.push(field, "must not be in the past");
    } else if until > SignedDuration::from_hours(AHEAD_YEARS * YEAR_H) {
        v.push(field, "must not be more than a year ahead");
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-22T09:30:00Z")
    }

    #[test]
    fn what_happened_lies_between_thirty_years_ago_and_now() {
        for (told, kept) in [
            ("2026-11-22T09:34:59Z", Some("2026-11-22T09:30:00Z")),
            ("2026-11-22T09:35:01Z", None),
            ("2099-01-01T00:00:00Z", None),
            ("1997-01-01T00:00:00Z", Some("1997-01-01T00:00:00Z")),
            ("1989-06-01T00:00:00Z", None),
            ("0001-01-01T00:00:00Z", None),
        ] {
            let mut v = Violations::default();
            let read = past(&mut v, "time", Some(at(told)), now());
            assert_eq!(v.is_empty().then_some(read), kept.map(at), "{told}");
        }
        assert_eq!(past(&mut Violations::default(), "time", None, now()), now());
    }

    #[test]
    fn what_is_promised_lies_within_a_year() {
        for (told, right) in [
            ("2026-11-22T09:26:00Z", true),
            ("2026-11-22T09:24:59Z", false),
            ("2027-11-22T09:30:00Z", true),
            ("2028-01-01T00:00:00Z", false),
            ("9999-01-01T00:00:00Z", false),
        ] {
            let mut v = Violations::default();
            assert_eq!(ahead(&mut v, "time", Some(at(told)), now()), Some(at(told)));
            assert_eq!(v.is_empty(), right, "{told}");
        }
        assert_eq!(ahead(&mut Violations::default(), "time", None, now()), None);
    }

    proptest! {
        #[test]
        fn any_instant_is_answered_and_what_is_kept_is_not_in_the_future(second in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second()) {
            let told = Timestamp::from_second(second).unwrap();
            let mut v = Violations::default();
            prop_assert!(past(&mut v, "time", Some(told), now()) <= now());
            ahead(&mut v, "time", Some(told), now());
        }
    }
}
