//! What is known of a customer besides who it is: occupation, wishes, means, and how the customer likes to be reached.

use foursight_kernel::{Violations, sql};
use foursight_proto::{
    customer::v1::{Budget, CarUse, ContactChannel, PreferredContact, Profile as Proto, SpendingPreference},
    google::r#type::TimeOfDay,
};

const MOST_MODELS: usize = 10;
/// 100 million yuan.
const MOST_FEN: i64 = 10_000_000_000;
const DAY_MINUTES: i16 = 24 * 60;

/// A profile, checked. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) occupation: String,
    pub(crate) intended_models: Vec<String>,
    /// 0 when it is not known, as the preferences below.
    pub(crate) car_use: i16,
    /// From and to, in fen.
    pub(crate) budget: Option<(i64, i64)>,
    pub(crate) spending_preference: i16,
    pub(crate) contact: Contact,
}

/// How and when somebody likes to be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) channel: i16,
    /// From and to, in minutes of the store's day.
    pub(crate) hours: Option<(i16, i16)>,
}

impl Profile {
    /// Reads a profile at `path` of a request.
    pub(crate) fn parse(v: &mut Violations, path: &str, told: Option<&Proto>) -> Self {
        let Some(told) = told else { return Self::default() };
        let field = |name: &str| format!("{path}.{name}");
        let models = field("intended_models");
        v.at_most(&models, &told.intended_models, MOST_MODELS);
        let mut intended_models: Vec<String> = Vec::new();
        for (index, model) in told.intended_models.iter().enumerate().take(MOST_MODELS) {
            let at = format!("{models}[{index}]");
            let model = v.line(&at, model, 1..=100);
            if intended_models.contains(&model) {
                v.push(at, "repeats an earlier model");
            } else {
                intended_models.push(model);
            }
        }
        let car_use: Option<CarUse> = v.optional_enum(&field("car_use"), told.car_use);
        let spending: Option<SpendingPreference> =
            v.optional_enum(&field("spending_preference"), told.spending_preference);
        Self {
            occupation: v.line(&field("occupation"), &told.occupation, 0..=100),
            intended_models,
            car_use: car_use.map_or(0, sql::number),
            budget: budget(v, &field("budget"), told.budget.as_ref()),
            spending_preference: spending.map_or(0, sql::number),
            contact: Contact::parse(v, &field("preferred_contact"), told.preferred_contact.as_ref()),
        }
    }

    /// In the API's form; `None` when nothing is known.
    pub(crate) fn to_proto(&self) -> Option<Proto> {
        if *self == Self::default() {
            return None;
        }
        Some(Proto {
            occupation: self.occupation.clone(),
            intended_models: self.intended_models.clone(),
            car_use: self.car_use.into(),
            budget: self.budget.map(|(min_fen, max_fen)| Budget { min_fen, max_fen }),
            spending_preference: self.spending_preference.into(),
            preferred_contact: self.contact.to_proto(),
        })
    }
}

fn budget(v: &mut Violations, field: &str, told: Option<&Budget>) -> Option<(i64, i64)> {
    let told = told?;
    if !(0..=MOST_FEN).contains(&told.min_fen) {
        v.push(format!("{field}.min_fen"), format!("must be from 0 to {MOST_FEN}"));
    }
    if !(1..=MOST_FEN).contains(&told.max_fen) {
        v.push(format!("{field}.max_fen"), format!("must be from 1 to {MOST_FEN}"));
    } else if told.min_fen > told.max_fen {
        v.push(format!("{field}.max_fen"), "must not be less than min_fen");
    }
    Some((told.min_fen, told.max_fen))
}

impl Contact {
    fn parse(v: &mut Violations, field: &str, told: Option<&PreferredContact>) -> Self {
        let Some(told) = told else { return Self::default() };
        let channel: Option<ContactChannel> = v.optional_enum(&format!("{field}.channel"), told.channel);
        let mut minute = |name: &str, time: Option<&TimeOfDay>| {
            let minute = minute_of(time?);
            if minute.is_none() {
                v.push(format!("{field}.{name}"), "must be a whole minute from 00:00 to 24:00");
            }
            minute
        };
        let from = minute("from", told.from.as_ref());
        let to = minute("to", told.to.as_ref());
        if told.from.is_some() != told.to.is_some() {
            v.push(format!("{field}.to"), "must be there when `from` is, and absent when it is");
        }
        let hours = from.zip(to);
        if hours.is_some_and(|(from, to)| from >= to) {
            v.push(format!("{field}.to"), "must be later than `from`");
        }
        Self { channel: channel.map_or(0, sql::number), hours }
    }

    fn to_proto(self) -> Option<PreferredContact> {
        if self == Self::default() {
            return None;
        }
        let time = |minute: i16| TimeOfDay {
            hours: (minute / 60).into(),
            minutes: (minute % 60).into(),
            ..TimeOfDay::default()
        };
        let (from, to) = self.hours.map(|(from, to)| (time(from), time(to))).unzip();
        Some(PreferredContact { channel: self.channel.into(), from, to })
    }
}

fn minute_of(time: &TimeOfDay) -> Option<i16> {
    let hours = i16::try_from(time.hours).ok().filter(|hours| (0..=24).contains(hours))?;
    let minutes = i16::try_from(time.minutes).ok().filter(|minutes| (0..60).contains(minutes))?;
    let minute = hours * 60 + minutes;
    (time.seconds == 0 && time.nanos == 0 && minute <= DAY_MINUTES).then_some(minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(told: &Proto) -> Vec<String> {
        let mut v = Violations::default();
        Profile::parse(&mut v, "profile", Some(told));
        v.fields().into_iter().map(str::to_owned).collect()
    }

    fn time(hours: i32, minutes: i32) -> TimeOfDay {
        TimeOfDay { hours, minutes, ..TimeOfDay::default() }
    }

    #[test]
    fn every_wrong_part_is_told_by_its_field() {
        let told = Proto {
            occupation: "x".repeat(101),
            intended_models: vec!["远山 S7".to_owned(), String::new(), "远山 S7".to_owned()],
            car_use: 99,
            budget: Some(Budget { min_fen: 2, max_fen: 1 }),
            spending_preference: -1,
            preferred_contact: Some(PreferredContact {
                channel: 0,
                from: Some(time(20, 0)),
                to: Some(time(9, 0)),
            }),
        };
        assert_eq!(
            wrong(&told),
            [
                "profile.budget.max_fen",
                "profile.car_use",
                "profile.intended_models[1]",
                "profile.intended_models[2]",
                "profile.occupation",
                "profile.preferred_contact.to",
                "profile.spending_preference",
            ]
        );
        let half = PreferredContact { channel: 1, from: Some(time(24, 1)), to: None };
        let told = Proto { preferred_contact: Some(half), ..Proto::default() };
        assert_eq!(wrong(&told), ["profile.preferred_contact.from", "profile.preferred_contact.to"]);
        let told = Proto { budget: Some(Budget { min_fen: -1, max_fen: i64::MAX }), ..Proto::default() };
        assert_eq!(wrong(&told), ["profile.budget.max_fen", "profile.budget.min_fen"]);
    }

    #[test]
    fn what_is_right_reads_back() {
        let told = Proto {
            occupation: "教师".to_owned(),
            intended_models: vec!["远山 S7".to_owned()],
            car_use: CarUse::Private.into(),
            budget: Some(Budget { min_fen: 0, max_fen: 20_000_000 }),
            spending_preference: SpendingPreference::Safety.into(),
            preferred_contact: Some(PreferredContact {
                channel: ContactChannel::Wechat.into(),
                from: Some(time(18, 30)),
                to: Some(time(24, 0)),
            }),
        };
        let mut v = Violations::default();
        let read = Profile::parse(&mut v, "profile", Some(&told));
        assert!(v.is_empty());
        assert_eq!(read.to_proto(), Some(told));
        assert_eq!(Profile::default().to_proto(), None);
    }
}
