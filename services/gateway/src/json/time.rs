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

const OFFSET_REMEDY: &str =
    "must have Z or an offset from -23:59 to +23:59 at its end, for example 2026-11-22T17:30:00+08:00";
const DECIMALS_REMEDY: &str = "must have at most nine decimals of a second";

/// Seconds and nanoseconds, or what the text must be. Stricter than RFC 3339 where it leaves a choice: `T` and `Z` are
/// capital letters.
pub(crate) fn parse_timestamp(text: &str) -> Result<(i64, i32), &'static str> {
    let strict = text.is_ascii()
        && text.as_bytes().get(10) == Some(&b'T')
        && !text.contains(['t', 'z', ' ', '[', ','])
        && text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(16) == Some(&b':');
    if !strict {
        return Err(TIMESTAMP_REMEDY);
    }
    let after = text.get(19..).unwrap_or_default();
    let fraction = after.strip_prefix('.').unwrap_or_default();
    let decimals = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let offset = if decimals == 0 { after } else { &fraction[decimals..] };
    if !is_offset(offset) {
        return Err(if offset.is_empty() { TIMESTAMP_REMEDY } else { OFFSET_REMEDY });
    }
    if decimals > 9 {
        return Err(DECIMALS_REMEDY);
    }
    let timestamp: Timestamp = text.parse().map_err(|_| TIMESTAMP_REMEDY)?;
    let nanosecond = timestamp.subsec_nanosecond();
    // jiff counts the fraction towards zero; the proto always counts it upwards.
    let (second, nanosecond) = if nanosecond < 0 {
        (timestamp.as_second() - 1, nanosecond + 1_000_000_000)
    } else {
        (timestamp.as_second(), nanosecond)
    };
    if (EARLIEST..=LATEST).contains(&second) { Ok((second, nanosecond)) } else { Err(TIMESTAMP_REMEDY) }
}

/// `Z`, or what RFC 3339 calls a `time-numoffset`: hours and minutes as a clock shows them.
fn is_offset(text: &str) -> bool {
    let [b'+' | b'-', hour @ .., b':', minute_ten, minute] = text.as_bytes() else { return text == "Z" };
    let hour_is_sound = matches!(hour, [b'0' | b'1', b'0'..=b'9'] | [b'2', b'0'..=b'3']);
    hour_is_sound && matches!(minute_ten, b'0'..=b'5') && minute.is_ascii_digit()
}

/// Seconds and nanoseconds, of the same sign, or what the text must be.
pub(crate) fn parse_duration(text: &str) -> Result<(i64, i32), &'static str> {
    let is_long = text.trim_end_matches('s').rsplit_once('.').is_some_and(|(_, decimals)| {
        decimals.len() > 9 && decimals.bytes().all(|byte| byte.is_ascii_digit())
    });
    seconds_and_nanoseconds(text).ok_or(if is_long { DECIMALS_REMEDY } else { DURATION_REMEDY })
}

fn seconds_and_nanoseconds(text: &str) -> Option<(i64, i32)> {
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
            prop_assert_eq!(parse_timestamp(text.trim_matches('"')), Ok((second, nanosecond)));
        }

        #[test]
        fn durations_come_back(nanoseconds in -10_000_000_000_000_i64..10_000_000_000_000) {
            let (second, nanosecond) = (nanoseconds / 1_000_000_000, i32::try_from(nanoseconds % 1_000_000_000).unwrap());
            let mut out = Vec::new();
            prop_assert!(write_duration(&mut out, second, nanosecond));
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(parse_duration(text.trim_matches('"')), Ok((second, nanosecond)));
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
            assert_eq!(parse_timestamp(wrong), Err(TIMESTAMP_REMEDY), "{wrong}");
        }
        assert_eq!(parse_timestamp("1970-01-01T08:00:00.5+08:00"), Ok((0, 500_000_000)));
    }

    #[test]
    fn no_clock_shows_such_an_offset() {
        for offset in
            ["+25:00", "-24:00", "+08:60", "+8:00", "+0800", "+08", "+08:00:30", ".+08:00", "+", "X"]
        {
            assert_eq!(
                parse_timestamp(&format!("2026-11-22T09:30:00{offset}")),
                Err(OFFSET_REMEDY),
                "{offset}"
            );
            assert_eq!(
                parse_timestamp(&format!("2026-11-22T09:30:00.25{offset}")),
                Err(OFFSET_REMEDY),
                ".25{offset}"
            );
        }
        for offset in ["+23:59", "-23:59", "+05:45", "-00:00", "Z"] {
            assert!(parse_timestamp(&format!("2026-11-22T09:30:00{offset}")).is_ok(), "{offset}");
        }
    }

    #[test]
    fn more_decimals_than_are_kept_are_named() {
        assert_eq!(parse_timestamp("2026-11-22T09:30:00.123456789012Z"), Err(DECIMALS_REMEDY));
        assert_eq!(
            parse_timestamp("2026-11-22T09:30:00.123456789Z").map(|(_, nanos)| nanos),
            Ok(123_456_789)
        );
        assert_eq!(parse_duration("1.123456789012s"), Err(DECIMALS_REMEDY));
        assert_eq!(parse_duration("1.5"), Err(DURATION_REMEDY));
    }
}
