//! The stores' calendars: three patterns of a week, and the public holidays and make-up working days of 2026.

use foursight_proto::{
    google::r#type::{Date, DayOfWeek, TimeOfDay},
    identity::v1::{Calendar, CalendarException, TimeInterval, WeeklyInterval},
};
use jiff::{
    Timestamp, ToSpan,
    civil::{self, date},
    tz::TimeZone,
};

/// All stores of the demo group are in China.
pub(crate) const TIME_ZONE: &str = "Asia/Shanghai";

/// How a store's week looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Week {
    /// 8:30 to 18:00 every day.
    EveryDay,
    /// 8:30 to 12:00 and 13:30 to 18:00, closed on Sunday.
    MondayToSaturday,
    /// 9:00 to 12:00 and 13:00 to 20:00, weekends 9:00 to 17:30.
    LongEvenings,
}

/// Minutes after midnight: opens, closes.
type Hours = &'static [(i32, i32)];

impl Week {
    fn hours(self, day: DayOfWeek) -> Hours {
        match (self, day) {
            (Self::MondayToSaturday, DayOfWeek::Sunday) => &[],
            (Self::EveryDay, _) => &[(510, 1080)],
            (Self::MondayToSaturday, _) => &[(510, 720), (810, 1080)],
            (Self::LongEvenings, DayOfWeek::Saturday | DayOfWeek::Sunday) => &[(540, 1050)],
            (Self::LongEvenings, _) => &[(540, 720), (780, 1200)],
        }
    }
}

const DAYS: [DayOfWeek; 7] = [
    DayOfWeek::Monday,
    DayOfWeek::Tuesday,
    DayOfWeek::Wednesday,
    DayOfWeek::Thursday,
    DayOfWeek::Friday,
    DayOfWeek::Saturday,
    DayOfWeek::Sunday,
];

/// The statutory holidays of 2026, on which stores close: first day, number of days, name.
const HOLIDAYS: &[(civil::Date, usize, &str)] = &[
    (date(2026, 1, 1), 1, "元旦"),
    (date(2026, 2, 16), 4, "春节"),
    (date(2026, 4, 5), 1, "清明节"),
    (date(2026, 5, 1), 2, "劳动节"),
    (date(2026, 6, 19), 1, "端午节"),
    (date(2026, 9, 25), 1, "中秋节"),
    (date(2026, 10, 1), 3, "国庆节"),
];

/// The Sundays of 2026 that are working days, in exchange for days around a holiday 调休.
const MAKE_UP_DAYS: &[civil::Date] = &[date(2026, 1, 4), date(2026, 9, 20)];

/// A store's calendar. Stores that keep `public_holidays` close on them; those with a closed Sunday make up for it.
pub(crate) fn calendar(week: Week, public_holidays: bool) -> Calendar {
    let weekly = DAYS.into_iter().flat_map(|day| {
        week.hours(day).iter().map(move |(opens, closes)| WeeklyInterval {
            day: day.into(),
            opens: Some(time_of_day(*opens)),
            closes: Some(time_of_day(*closes)),
        })
    });
    let mut exceptions = Vec::new();
    if public_holidays {
        for (first, days, name) in HOLIDAYS {
            let dates = first.series(1.day()).take(*days);
            exceptions.extend(dates.map(|day| exception(day, &[], name)));
        }
        if week == Week::MondayToSaturday {
            let hours = week.hours(DayOfWeek::Monday);
            exceptions.extend(MAKE_UP_DAYS.iter().map(|day| exception(*day, hours, "调休上班")));
        }
        exceptions.sort_by_key(|exception| exception.date.map(|date| (date.year, date.month, date.day)));
    }
    Calendar { time_zone: TIME_ZONE.to_owned(), weekly: weekly.collect(), exceptions }
}

fn exception(day: civil::Date, hours: Hours, reason: &str) -> CalendarException {
    CalendarException {
        date: Some(Date { year: day.year().into(), month: day.month().into(), day: day.day().into() }),
        open: hours
            .iter()
            .map(|(opens, closes)| TimeInterval {
                opens: Some(time_of_day(*opens)),
                closes: Some(time_of_day(*closes)),
            })
            .collect(),
        reason: reason.to_owned(),
    }
}

fn time_of_day(minutes: i32) -> TimeOfDay {
    TimeOfDay { hours: minutes / 60, minutes: minutes % 60, seconds: 0, nanos: 0 }
}

/// The group's wall clock.
#[derive(Debug, Clone)]
pub(crate) struct WallClock(TimeZone);

impl WallClock {
    /// China has had one zone without summer time since 1992, so the offset is all there is to it.
    pub(crate) fn new() -> Self {
        Self(TimeZone::fixed(jiff::tz::offset(8)))
    }

    /// The day of an instant.
    pub(crate) fn day(&self, instant: Timestamp) -> civil::Date {
        self.0.to_datetime(instant).date()
    }

    /// So many seconds after a day's beginning; the day's first instant when that is outside what time can hold.
    pub(crate) fn at(&self, day: civil::Date, seconds: i64) -> Timestamp {
        let midnight =
            self.0.to_timestamp(day.to_datetime(civil::Time::midnight())).unwrap_or(Timestamp::UNIX_EPOCH);
        midnight.checked_add(seconds.seconds()).unwrap_or(midnight)
    }
}

/// The next day from `day` on, itself included, on which a store with that week opens by its ordinary week.
pub(crate) fn next_open_day(week: Week, day: civil::Date) -> civil::Date {
    let closed = week == Week::MondayToSaturday && day.weekday() == civil::Weekday::Sunday;
    if closed { day.tomorrow().unwrap_or(day) } else { day }
}
