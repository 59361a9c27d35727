//! The odometer runs forwards.

use std::ops::RangeInclusive;

use foursight_kernel::{Error, Result};

/// Kilometres that a car can have.
pub(crate) const BOUNDS: RangeInclusive<i32> = 0..=3_000_000;

/// Refuses a reading below the last one.
pub(crate) fn check(field: &str, reading_km: i32, last_km: Option<i32>) -> Result<()> {
    match last_km {
        Some(last) if reading_km < last => {
            Err(Error::invalid_field(field, format!("must not be below the last reading, {last} km")))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odometer_runs_forwards() {
        assert!(check("visit.odometer_km", 0, None).is_ok());
        assert!(check("visit.odometer_km", 5_000, Some(5_000)).is_ok());
        assert!(check("visit.odometer_km", 4_999, Some(5_000)).is_err());
    }
}
