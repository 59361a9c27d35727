//! Instants between the proto's form and ours.

use jiff::Timestamp;

/// An instant in the proto's form.
pub fn to_proto(instant: Timestamp) -> prost_types::Timestamp {
    let (mut seconds, mut nanos) = (instant.as_second(), instant.subsec_nanosecond());
    // jiff counts a fraction before 1970 backwards; the proto always forwards.
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

/// An optional instant in the proto's form.
pub fn maybe_to_proto(instant: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    instant.map(to_proto)
}

/// An instant out of the proto's form; `None` outside the years 1 to 9999, which is what the proto allows.
pub fn from_proto(instant: &prost_types::Timestamp) -> Option<Timestamp> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_207_200;
    if !(FIRST..=LAST).contains(&instant.seconds) || !(0..1_000_000_000).contains(&instant.nanos) {
        return None;
    }
    // What Postgres keeps: microseconds.
    Timestamp::new(instant.seconds, instant.nanos / 1000 * 1000).ok()
}
