//! Why a deadline is when it is, in steps and in words.

use std::fmt::{self, Write as _};

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// Why a deadline is when it is: what was counted and which days were passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The store's zone, in which the words tell dates and times.
    pub zone: TimeZone,
    /// Which time was counted.
    pub counting: Counting,
    /// When counting began.
    pub start: Timestamp,
    /// When it ended: the deadline.
    pub at: Timestamp,
    /// How much was counted.
    pub duration: SignedDuration,
    /// In order of time; empty for what is counted around the clock.
    pub steps: Vec<Step>,
}

/// Which time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// The store's opening hours.
    WorkingTime,
    /// Every hour.
    AroundTheClock,
}

/// One step of the counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Working time that was counted.
    Counted {
        /// The date on the store's wall.
        date: Date,
        /// The first instant that was counted.
        from: Timestamp,
        /// The first instant that was counted no more.
        to: Timestamp,
        /// Why this day's hours differ from the week's.
        reason: Option<String>,
    },
    /// Days on which the store did not open.
    Closed {
        /// The first of them.
        first: Date,
        /// The last of them.
        last: Date,
        /// Why, when the calendar says so.
        reason: Option<String>,
    },
}

impl Explanation {
    /// In Chinese, without a full stop.
    pub fn zh(&self) -> String {
        let mut text = String::new();
        let (start, at) = (self.local(self.start), self.local(self.at));
        // Writing to a string cannot fail.
        let _ = match self.counting {
            Counting::WorkingTime => {
                write!(text, "自{}起计 {} 工作时间：", zh_moment(&start), Zh(self.duration))
            }
            Counting::AroundTheClock => {
                write!(text, "自{}起连续计 {}，不停表；", zh_moment(&start), Zh(self.duration))
            }
        };
        for step in &self.steps {
            let _ = match step {
                Step::Counted { date, from, to, reason } => write!(
                    text,
                    "{}{} {}–{} 计 {}；",
                    zh_day(*date),
                    note(reason.as_deref(), '（', '）'),
                    clock(&self.local(*from)),
                    self.end_of(*date, *to),
                    Zh(to.duration_since(*from)),
                ),
                Step::Closed { first, last, reason } if first == last => {
                    write!(text, "{} 休息{}；", zh_day(*first), note(reason.as_deref(), '（', '）'))
                }
                Step::Closed { first, last, reason } => write!(
                    text,
                    "{} 至 {} 休息{}；",
                    zh_day(*first),
                    zh_day(*last),
                    note(reason.as_deref(), '（', '）')
                ),
            };
        }
        let _ = write!(text, "故{}到期", zh_moment(&at));
        text
    }

    /// In English, without a full stop.
    pub fn en(&self) -> String {
        let mut text = String::new();
        let (start, at) = (self.local(self.start), self.local(self.at));
        let _ = match self.counting {
            Counting::WorkingTime => {
                write!(text, "{} of working time from {}: ", En(self.duration), en_moment(&start))
            }
            Counting::AroundTheClock => {
                write!(text, "{} around the clock from {}; ", En(self.duration), en_moment(&start))
            }
        };
        for step in &self.steps {
            let _ = match step {
                Step::Counted { date, from, to, reason } => write!(
                    text,
                    "{}{} {}–{} counts {}; ",
                    en_day(*date),
                    en_note(reason.as_deref()),
                    clock(&self.local(*from)),
                    self.end_of(*date, *to),
                    En(to.duration_since(*from)),
                ),
                Step::Closed { first, last, reason } if first == last => {
                    write!(text, "{} closed{}; ", en_day(*first), en_note(reason.as_deref()))
                }
                Step::Closed { first, last, reason } => write!(
                    text,
                    "{} to {} closed{}; ",
                    en_day(*first),
                    en_day(*last),
                    en_note(reason.as_deref())
                ),
            };
        }
        let _ = write!(text, "so it is due {}", en_moment(&at));
        text
    }

    fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// The end of what was counted on `date`: midnight belongs to the evening before it.
    fn end_of(&self, date: Date, to: Timestamp) -> String {
        let local = self.local(to);
        if local.date() > date { "24:00".to_owned() } else { clock(&local) }
    }
}

/// Both languages, Chinese first, one line each.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.zh())?;
        f.write_str(&self.en())
    }
}

/// Gathers steps, joining what touches.
#[derive(Default)]
pub(super) struct Steps(Vec<Step>);

impl Steps {
    pub(super) fn closed(&mut self, date: Date, why: Option<&str>) {
        if let Some(Step::Closed { last, reason, .. }) = self.0.last_mut()
            && reason.as_deref() == why
        {
            *last = date;
            return;
        }
        self.0.push(Step::Closed { first: date, last: date, reason: why.map(str::to_owned) });
    }

    pub(super) fn counted(&mut self, on: Date, from: Timestamp, until: Timestamp, why: Option<&str>) {
        if let Some(Step::Counted { date, to, .. }) = self.0.last_mut()
            && *date == on
            && *to == from
        {
            *to = until;
            return;
        }
        self.0.push(Step::Counted { date: on, from, to: until, reason: why.map(str::to_owned) });
    }

    pub(super) fn finish(self) -> Vec<Step> {
        self.0
    }
}

fn zh_weekday(day: Weekday) -> &'static str {
    ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][super::index(day)]
}

fn en_weekday(day: Weekday) -> &'static str {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][super::index(day)]
}

fn zh_day(date: Date) -> String {
    format!("{}（{:02}-{:02}）", zh_weekday(date.weekday()), date.month(), date.day())
}

fn en_day(date: Date) -> String {
    format!("{} {:02}-{:02}", en_weekday(date.weekday()), date.month(), date.day())
}

fn zh_moment(at: &Zoned) -> String {
    format!("{} {} {}", zh_weekday(at.weekday()), at.date(), clock(at))
}

fn en_moment(at: &Zoned) -> String {
    format!("{} {} {}", en_weekday(at.weekday()), at.date(), clock(at))
}

fn clock(at: &Zoned) -> String {
    if at.second() == 0 {
        format!("{:02}:{:02}", at.hour(), at.minute())
    } else {
        format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
    }
}

fn note(reason: Option<&str>, open: char, close: char) -> String {
    reason.map_or_else(String::new, |reason| format!("{open}{reason}{close}"))
}

fn en_note(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

struct Zh(SignedDuration);

impl fmt::Display for Zh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.0, [" 小时", " 分钟", " 秒"])
    }
}

struct En(SignedDuration);

impl fmt::Display for En {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.0, [" h", " min", " s"])
    }
}

/// Fractions of a second are left out: nobody's deadline is explained by them.
fn words(f: &mut fmt::Formatter<'_>, duration: SignedDuration, units: [&str; 3]) -> fmt::Result {
    let seconds = duration.as_secs();
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let mut first = true;
    for (part, unit) in parts.into_iter().zip(units) {
        if part > 0 {
            write!(f, "{}{part}{unit}", if first { "" } else { " " })?;
            first = false;
        }
    }
    if first { write!(f, "0{}", units[1]) } else { Ok(()) }
}
