use super::{ValueError, plain_text};
use crate::cell::Cell;
use jiff::civil::{self, Date, DateTime, Time};
use jiff::{SignedDuration, ToSpan};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Which day a workbook counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// Windows: 1 is 1900-01-01, and 60 is 1900-02-29, which never was.
    Y1900,
    /// Old Macs: 0 is 1904-01-01.
    Y1904,
}

/// The last day that spreadsheets know: 9999-12-31 in the epoch of 1900.
const LAST: f64 = 2_958_466.0;
/// 1950 and 2100. A bare number within is taken for a day, one outside for a slip: an amount, or a phone's beginning.
const LIKELY: std::ops::Range<f64> = 18_264.0..73_051.0;

/// The moment that a spreadsheet's number of days says, to the second; `None` outside of its calendar.
pub fn serial(days: f64, epoch: Epoch) -> Option<DateTime> {
    if !(0.0..LAST).contains(&days) {
        return None;
    }
    let start = match epoch {
        Epoch::Y1904 => civil::date(1904, 1, 1),
        Epoch::Y1900 if days < 60.0 => civil::date(1899, 12, 31),
        // The day that never was.
        Epoch::Y1900 if days < 61.0 => return None,
        Epoch::Y1900 => civil::date(1899, 12, 30),
    };
    let seconds = SignedDuration::try_from_secs_f64((days * 86_400.0).round()).ok()?;
    let (days, seconds) = (seconds.as_secs() / 86_400, seconds.as_secs() % 86_400);
    start.to_datetime(Time::midnight()).checked_add(days.days().seconds(seconds)).ok()
}

/// A day; a time of day beside it is passed over.
pub fn date(cell: &Cell) -> Result<Option<Date>, ValueError> {
    Ok(date_time(cell)?.map(DateTime::date))
}

/// A moment on a wall's clock, at midnight when only a day is said. Reads a cell that is formatted as a date, a
/// spreadsheet's number of days (epoch of 1900) in a cell that is not, `2026-03-05`, `2026/3/5`, `2026.3.5`,
/// `20260305` and `2026年3月5日`, each with or without a time. What begins with the day or the month is refused:
/// `5/3/2026` is in May for some and in March for others.
pub fn date_time(cell: &Cell) -> Result<Option<DateTime>, ValueError> {
    match cell {
        Cell::Empty | Cell::Covered { .. } => Ok(None),
        Cell::Moment(moment) => Ok(Some(*moment)),
        Cell::Number(number) => likely(*number).map(Some),
        Cell::Text(text) => parse(&plain_text(text)),
        Cell::Bool(_) => Err(ValueError::OtherKind("a date")),
        Cell::Fault(fault) => Err((*fault).into()),
    }
}

/// A moment as it is written out: without a time at midnight.
pub(crate) fn written(moment: DateTime) -> String {
    if moment.time() == Time::midnight() {
        moment.date().to_string()
    } else {
        moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

fn likely(days: Decimal) -> Result<DateTime, ValueError> {
    let days = days.to_f64().filter(|days| LIKELY.contains(days)).ok_or(ValueError::NotADate)?;
    serial(days, Epoch::Y1900).ok_or(ValueError::NotADate)
}

fn parse(text: &str) -> Result<Option<DateTime>, ValueError> {
    if text.is_empty() {
        return Ok(None);
    }
    // Whatever parts the day from the time: a blank, `T`, or nothing behind 日.
    let (day, time) = match text.find([' ', 'T', '日']) {
        Some(at) => {
            let (day, rest) = text.split_at(at);
            (day, rest.trim_start_matches([' ', 'T', '日']))
        }
        None => (text, ""),
    };
    let day = parse_day(day, time.is_empty())?;
    let time = parse_time(time)?;
    Ok(Some(day.checked_add(time).map_err(|_| ValueError::NotADate)?))
}

fn parse_day(text: &str, alone: bool) -> Result<DateTime, ValueError> {
    let parts: Vec<&str> = text.split(['-', '/', '.', '年', '月']).collect();
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(ValueError::NotADate);
    }
    let (year, month, day) = match parts.as_slice() {
        [compact] if compact.len() == 8 => (&compact[..4], &compact[4..6], &compact[6..]),
        // A number of days that lost its format, on the way through a CSV.
        [days] if alone && days.len() == 5 => {
            return likely(days.parse().map_err(|_| ValueError::NotADate)?);
        }
        [year, month, day] if year.len() == 4 => (*year, *month, *day),
        [_, _, _] => return Err(ValueError::AmbiguousDate),
        _ => return Err(ValueError::NotADate),
    };
    if month.len() > 2 || day.len() > 2 {
        return Err(ValueError::NotADate);
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else {
        return Err(ValueError::NotADate);
    };
    let date = Date::new(year, month, day).map_err(|_| ValueError::NoSuchDay)?;
    Ok(date.to_datetime(Time::midnight()))
}

/// `14:30`, `14:30:00`, `14:30:00.5`, `14时30分`, `14点30分05秒`, `2:30 PM`; nothing is midnight.
fn parse_time(text: &str) -> Result<jiff::Span, ValueError> {
    let (text, shift) = if let Some(text) = text.strip_suffix("PM").or_else(|| text.strip_prefix("下午")) {
        (text, Some(12))
    } else if let Some(text) = text.strip_suffix("AM").or_else(|| text.strip_prefix("上午")) {
        (text, Some(0))
    } else {
        (text, None)
    };
    let text = text.trim().trim_end_matches(['分', '秒', 'Z']);
    if text.is_empty() {
        return if shift.is_none() { Ok(jiff::Span::new()) } else { Err(ValueError::NotADate) };
    }
    let mut parts = text.split([':', '时', '点', '分']).filter(|part| !part.is_empty());
    let mut next = |most: i64| match parts.next() {
        None => Ok(0),
        Some(part) => {
            let (whole, parts) = part.split_once('.').unwrap_or((part, "0"));
            let is_figure = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let value = whole.parse().ok().filter(|value| *value <= most && whole.len() <= 2);
            value.filter(|_| is_figure(whole) && is_figure(parts)).ok_or(ValueError::NotADate)
        }
    };
    let (hour, minute, second) = (next(23)?, next(59)?, next(59)?);
    let more = parts.next().is_some() || !text.contains([':', '时', '点']);
    let hour = match shift {
        Some(shift) if (1..=12).contains(&hour) => hour % 12 + shift,
        Some(_) => return Err(ValueError::NotADate),
        None => hour,
    };
    if more { Err(ValueError::NotADate) } else { Ok(hour.hours().minutes(minute).seconds(second)) }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<Option<DateTime>, ValueError> {
        date_time(&Cell::Text(text.into()))
    }

    #[test]
    fn days_as_people_write_them() {
        let day = civil::date(2026, 3, 5);
        for text in [
            "2026-03-05",
            "2026/3/5",
            "2026年3月5日",
            "2026.3.5",
            "20260305",
            "２０２６／３／５",
            "2026年03月05日 14:30",
            "2026-03-05 14:30:00",
            "2026-03-05T14:30:00",
            "2026年3月5日14时30分",
            "2026/3/5 2:30 PM",
            "46086",
        ] {
            assert_eq!(date(&Cell::Text(text.into())), Ok(Some(day)), "{text}");
        }
        let moment = day.at(14, 30, 5, 0);
        for text in ["2026-03-05 14:30:05", "2026年3月5日 14时30分05秒", "2026/3/5 下午2:30:05"] {
            assert_eq!(of(text), Ok(Some(moment)), "{text}");
        }
        assert_eq!(of(" "), Ok(None));
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for text in ["5/3/2026", "05-03-2026", "3/5/26", "26-3-5", "31/12/2026"] {
            assert_eq!(of(text), Err(ValueError::AmbiguousDate), "{text}");
        }
        for text in ["2026-02-30", "2026/13/1", "20260230", "2026-00-01"] {
            assert_eq!(of(text), Err(ValueError::NoSuchDay), "{text}");
        }
        for text in
            ["明天", "2026", "2026-03", "1280", "99999", "2026-03-05 25:00", "2026-03-05 abc", "2026-3-5 14"]
        {
            assert_eq!(of(text), Err(ValueError::NotADate), "{text}");
        }
        assert_eq!(date(&Cell::Number(Decimal::from(12))), Err(ValueError::NotADate));
    }

    #[test]
    fn serials_follow_the_workbooks_epoch() {
        assert_eq!(serial(1.0, Epoch::Y1900), Some(civil::date(1900, 1, 1).at(0, 0, 0, 0)));
        assert_eq!(serial(59.0, Epoch::Y1900), Some(civil::date(1900, 2, 28).at(0, 0, 0, 0)));
        assert_eq!(serial(60.0, Epoch::Y1900), None);
        assert_eq!(serial(61.0, Epoch::Y1900), Some(civil::date(1900, 3, 1).at(0, 0, 0, 0)));
        assert_eq!(
            serial(46_086.604_166_666_664, Epoch::Y1900),
            Some(civil::date(2026, 3, 5).at(14, 30, 0, 0))
        );
        assert_eq!(serial(0.0, Epoch::Y1904), Some(civil::date(1904, 1, 1).at(0, 0, 0, 0)));
        assert_eq!(serial(44_624.0, Epoch::Y1904), Some(civil::date(2026, 3, 5).at(0, 0, 0, 0)));
        for days in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(serial(days, Epoch::Y1900), None);
        }
    }

    proptest! {
        #[test]
        fn every_day_is_read_as_it_is_written(days in 61_i32..2_958_465, seconds in 0_i32..86_400) {
            let moment = serial(f64::from(days) + f64::from(seconds) / 86_400.0, Epoch::Y1900).expect("in range");
            prop_assert_eq!(of(&written(moment)), Ok(Some(moment)));
            let (year, month, day) = (moment.year(), moment.month(), moment.day());
            for text in [format!("{year:04}/{month}/{day}"), format!("{year:04}年{month}月{day}日")] {
                prop_assert_eq!(date(&Cell::Text(text)), Ok(Some(moment.date())));
            }
        }

        #[test]
        fn any_text_is_a_moment_or_a_reason(text in "\\PC{0,30}|[0-9/:.年月日时 TPM-]{0,30}") {
            let _ = of(&text);
        }
    }
}
