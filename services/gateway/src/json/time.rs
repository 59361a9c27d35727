//! Instants and durations in the text forms of canonical JSON.

use std::io::Write;

use jiff::Timestamp;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what `google.protobuf.Timestamp` may hold, in seconds.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;
/// What `google.protobuf.Duration` may hold, in seconds either way.
const LONGEST: i64 = 315_576_000_000;

pub(crate) const TIMESTAMP_REMEDY: &str =
    "must be a date and time with its offset, for example 2026-11-22T09:30:00Z";
pub(crate) const DURATION_REMEDY: &str = "must be seconds followed by s, for example 90s or 1.5s";

/// Seconds and nanoseconds. Stricter than RFC 3339 where it leaves a choice: `T` and `Z` are capital letters.
pub(crate) fn parse_timestamp(text: &str) -> Option<(i64, i32)> {
    let strict = text.is_ascii()
        && text.as_bytes().get(10) == Some(&b'T')
        && !text.contains(['t', 'z', ' ', '[', ','])
        && text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(16) == Some(&b':');
    if !strict {
        return None;
    }
    let timestamp: Timestamp = text.parse().ok()?;
    let nanosecond = timestamp.subsec_nanosecond();
    // jiff counts the fraction towards zero; the proto always counts it upwards.
    let (second, nanosecond) = if nanosecond < 0 {
        (timestamp.as_second() - 1, nanosecond + 1_000_000_000)
    } else {
        (timestamp.as_second(), nanosecond)
    };
    (EARLIEST..=LATEST).contains(&second).then_some((second, nanosecond))
}

/// Seconds and nanoseconds, of the same sign.
pub(crate) fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 || number.ends_with('.')
    {
        return None;
    }
    let second: i64 = whole.parse().ok().filter(|second| *second <= LONGEST)?;
    let nanosecond: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(if negative { (-second, -nanosecond) } else { (second, nanosecond) })
}

/// False when it is out of range.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, second: i64, nanosecond: i32) -> bool {
    if !(EARLIEST..=LATEST).contains(&second) || !(0..1_000_000_000).contains(&nanosecond) {
        return false;
    }
    let (year, month, day) = civil(second.div_euclid(86_400));
    let time = second.rem_euclid(86_400);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let written = write!(out, "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    write_fraction(out, nanosecond.unsigned_abs());
    out.extend_from_slice(b"Z\"");
    written.is_ok()
}

/// False when it is out of range.
pub(crate) fn write_duration(out: &mut Vec<u8>, second: i64, nanosecond: i32) -> bool {
    let opposite = (second < 0 && nanosecond > 0) || (second > 0 && nanosecond < 0);
    if opposite || second.unsigned_abs() > LONGEST.unsigned_abs() || nanosecond.unsigned_abs() > 999_999_999 {
        return false;
    }
    let sign = if second < 0 || nanosecond < 0 { "-" } else { "" };
    let written = write!(out, "\"{sign}{}", second.unsigned_abs());
    write_fraction(out, nanosecond.unsigned_abs());
    out.extend_from_slice(b"s\"");
    written.is_ok()
}

/// None, three, six or nine digits, as canonical JSON has it.
fn write_fraction(out: &mut Vec<u8>, nanosecond: u32) {
    // Writing to a vector does not fail.
    let _ = match nanosecond {
        0 => Ok(()),
        n if n % 1_000_000 == 0 => write!(out, ".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => write!(out, ".{:06}", n / 1_000),
        n => write!(out, ".{n:09}"),
    };
}

/// Year, month and day of a day counted from 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn timestamps_come_back(second in EARLIEST..=LATEST, nanosecond in 0..1_000_000_000_i32) {
            let mut out = Vec::new();
            prop_assert!(write_timestamp(&mut out, second, nanosecond));
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(parse_timestamp(text.trim_matches('"')), Some((second, nanosecond)));
        }

        #[test]
        fn durations_come_back(nanoseconds in -10_000_000_000_000_i64..10_000_000_000_000) {
            let (second, nanosecond) = (nanoseconds / 1_000_000_000, i32::try_from(nanoseconds % 1_000_000_000).unwrap());
            let mut out = Vec::new();
            prop_assert!(write_duration(&mut out, second, nanosecond));
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(parse_duration(text.trim_matches('"')), Some((second, nanosecond)));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = (parse_timestamp(&text), parse_duration(&text));
        }
    }

    #[test]
    fn only_complete_instants_are_instants() {
        for wrong in [
            "",
            "2026-11-22",
            "2026-11-22T09:30:00",
            "2026-11-22 09:30:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22t09:30:00z",
            "20261122T093000Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
        assert_eq!(parse_timestamp("1970-01-01T08:00:00.5+08:00"), Some((0, 500_000_000)));
    }
}
