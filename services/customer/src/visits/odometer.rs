//! The odometer runs forwards, and no faster than a car drives.

use std::ops::RangeInclusive;

use foursight_kernel::{Error, Violations};
use jiff::{SignedDuration, Timestamp};

/// Kilometres that a car can have.
pub(crate) const BOUNDS: RangeInclusive<i32> = 0..=3_000_000;

/// More than that is a slip of the pen, unless somebody has looked again: a taxi is scrapped at 600,000 km.
const MOST_KM: i32 = 1_000_000;

/// More than that on each day (of 24 hours, the first one begun) is one, too: two drivers by turns come as far on motorways.
const MOST_KM_A_DAY: i64 = 1_500;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What an odometer shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) km: i32,
    pub(crate) at: Timestamp,
}

/// Reads a field `{of}.odometer_km`, which whoever has looked twice confirms by `{of}.odometer_confirmed`.
pub(crate) fn read(v: &mut Violations, of: &str, km: i32, confirmed: bool) -> i32 {
    let field = format!("{of}.odometer_km");
    let km = v.number(&field, km, BOUNDS);
    if BOUNDS.contains(&km) && km > MOST_KM && !confirmed {
        v.push(field, format!("is above {MOST_KM} km; {}", look_again(of)));
    }
    km
}

/// Refuses a reading of `of` below the last one, and one that is further from it than a car comes in that time.
pub(crate) fn check(of: &str, reading: Shown, confirmed: bool, last: Option<Shown>) -> Result<(), Error> {
    let Some(last) = last else { return Ok(()) };
    let field = format!("{of}.odometer_km");
    if reading.km < last.km {
        let description = format!(
            "must not be below the last reading, {} km; if that one is wrong, or the instrument cluster was replaced, have \
             it corrected first (vehicles' `:correctOdometer`)",
            last.km
        );
        return Err(Error::invalid_field(field, description));
    }
    let days = reading.at.duration_since(last.at).as_secs().max(0) / DAY.as_secs() + 1;
    let driven = i64::from(reading.km) - i64::from(last.km);
    if driven > MOST_KM_A_DAY.saturating_mul(days) && !confirmed {
        let description = format!(
            "is {driven} km above the last reading, {} km, after {days} days; {}",
            last.km,
            look_again(of)
        );
        return Err(Error::invalid_field(field, description));
    }
    Ok(())
}

/// Why a reading does not fit those on file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// The odometer would run backwards.
    Back,
    /// No car drives that far in that time.
    TooFar,
}

/// Whether a reading of some day in the past fits between those on file: the nearest before it and the nearest after it.
pub(crate) fn fits(reading: Shown, on_file: &[Shown]) -> Result<(), Misfit> {
    // Which of one instant came first, often a day, tells the odometer.
    let place = |one: &Shown| (one.at, one.km);
    let before = on_file.iter().filter(|one| place(one) <= place(&reading)).max_by_key(|one| place(one));
    let after = on_file.iter().filter(|one| place(one) >= place(&reading)).min_by_key(|one| place(one));
    for (first, second) in [(before, Some(&reading)), (Some(&reading), after)] {
        let (Some(first), Some(second)) = (first, second) else { continue };
        let driven = i64::from(second.km) - i64::from(first.km);
        let days = second.at.duration_since(first.at).as_secs().max(0) / DAY.as_secs() + 1;
        if driven < 0 {
            return Err(Misfit::Back);
        }
        if driven > MOST_KM_A_DAY.saturating_mul(days) {
            return Err(Misfit::TooFar);
        }
    }
    Ok(())
}

fn look_again(of: &str) -> String {
    format!("look again, and if it is right, send `{of}.odometer_confirmed` as well")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn shown(km: i32, days: i64) -> Shown {
        Shown { km, at: Timestamp::UNIX_EPOCH + DAY * i32::try_from(days).unwrap() }
    }

    #[test]
    fn the_odometer_runs_forwards() {
        assert!(check("visit", shown(0, 0), false, None).is_ok());
        assert!(check("visit", shown(5_000, 0), false, Some(shown(5_000, 0))).is_ok());
        for confirmed in [false, true] {
            let refused = check("visit", shown(4_999, 9), confirmed, Some(shown(5_000, 0))).unwrap_err();
            assert!(refused.violations().fields().contains("visit.odometer_km"));
        }
    }

    #[test]
    fn no_car_drives_further_in_a_day() {
        for (km, days, plausible) in
            [(6_500, 0, true), (6_501, 0, false), (8_000, 1, true), (8_001, 1, false), (50_000, 30, true)]
        {
            let last = Some(shown(5_000, 0));
            assert_eq!(check("visit", shown(km, days), false, last).is_ok(), plausible, "{km} after {days}");
            assert!(check("visit", shown(km, days), true, last).is_ok());
        }
    }

    #[test]
    fn a_reading_of_the_past_fits_between_its_neighbours() {
        let on_file = [shown(1_000, 10), shown(9_000, 100)];
        for (km, day, wanted) in [
            (1_000, 10, Ok(())),
            (5_000, 50, Ok(())),
            (9_500, 200, Ok(())),
            (500, 0, Ok(())),
            (999, 50, Err(Misfit::Back)),
            (9_001, 50, Err(Misfit::Back)),
            (1_001, 5, Err(Misfit::Back)),
            (8_999, 200, Err(Misfit::Back)),
            (1_001, 10, Ok(())),
            (200_000, 101, Err(Misfit::TooFar)),
        ] {
            assert_eq!(fits(shown(km, day), &on_file), wanted, "{km} on day {day}");
        }
        assert_eq!(fits(shown(3_000_000, 0), &[]), Ok(()));
    }

    #[test]
    fn who_reads_a_million_looks_again() {
        let fields = |km: i32, confirmed: bool| {
            let mut v = Violations::default();
            read(&mut v, "delivery", km, confirmed);
            v.fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(fields(1_000_000, false), Vec::<String>::new());
        assert_eq!(fields(1_000_001, false), ["delivery.odometer_km"]);
        assert_eq!(fields(1_000_001, true), Vec::<String>::new());
        assert_eq!(fields(5_000_000, true), ["delivery.odometer_km"]);
    }
}
