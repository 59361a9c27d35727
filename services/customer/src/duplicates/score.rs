//! How likely two files are one customer: the model of Fellegi and Sunter (A Theory for Record Linkage, JASA 64, 1969). Each sign
//! that agrees or differs has a weight, log2 of how much likelier it is in files of one customer than in files of two; the sum and
//! what is likely beforehand give a probability. Pure.
//!
//! The frequencies behind the weights are round figures for a group of a million files, not fitted ones: `m` is how often a sign
//! agrees in two files of one customer, `u` how often in files of two.

use foursight_proto::customer::v1::{CustomerKind, DuplicateSign};

/// What two files have in common, and in what they differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Of organizations: no two are taken for one by birthday or gender, and their names are their own.
    pub(crate) organizations: bool,
    pub(crate) name: Name,
    /// `None` where one of them does not have it.
    pub(crate) birthday: Option<bool>,
    pub(crate) gender: Option<bool>,
    pub(crate) national_id: Option<bool>,
    pub(crate) phone: Phone,
    /// E-mail or WeChat.
    pub(crate) account: bool,
    /// A car that both own or owned.
    pub(crate) vehicle: bool,
}

/// How two names compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Name {
    Same,
    /// Written otherwise, read the same.
    SamePinyin,
    #[default]
    Other,
}

/// How the phones compare that each of them has or had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phone {
    /// One is in both.
    Same,
    /// The last four digits of one are.
    SameEnd,
    #[default]
    Other,
}

/// Of two files taken at random: log2 of one in a million.
const BEFOREHAND: f64 = -19.93;

/// From which probability on somebody is to decide.
pub(crate) const LIKELY: f64 = 0.5;
/// From which probability on the signs speak for themselves.
pub(crate) const SURE: f64 = 0.9;

impl Signs {
    /// From 0 to 1. Files with two different id numbers are two customers, whatever else agrees; one number is one customer. One sign
    /// alone makes nobody a candidate, unless it is that.
    pub(crate) fn probability(self) -> f64 {
        match self.national_id {
            Some(false) => 0.0,
            Some(true) => 1.0,
            None if self.agreeing() < 2 => 0.0,
            None => 1.0 / (1.0 + (-(BEFOREHAND + self.weight())).exp2()),
        }
    }

    /// How many signs speak for one customer.
    fn agreeing(self) -> usize {
        let signs = [
            self.name != Name::Other,
            self.birthday == Some(true),
            self.phone != Phone::Other,
            self.account,
            self.vehicle,
        ];
        signs.into_iter().filter(|agrees| *agrees).count()
    }

    fn weight(self) -> f64 {
        let name = match (self.name, self.organizations) {
            // m 0.90, u 1/500: the frequent names make pairs, the rare ones hardly any. Of organizations u is 1/100,000.
            (Name::Same, false) => 8.8,
            (Name::Same, true) => 16.5,
            // m 0.05, u 1/400.
            (Name::SamePinyin, _) => 4.3,
            // m 0.05, u 1 less both.
            (Name::Other, _) => -4.3,
        };
        let phone = match self.phone {
            // m 0.30, u 2e-6: recycled and family phones.
            Phone::Same => 17.0,
            // m 0.03, u 1e-4.
            Phone::SameEnd => 8.0,
            Phone::Other => 0.0,
        };
        name + told(self.birthday, 14.5, -5.6)  // m 0.98, u 1/25,000
            + told(self.gender, 1.0, -4.6)      // m 0.98, u 1/2
            + phone
            + when(self.account, 17.0)
            + when(self.vehicle, 14.0) // m 0.20, u 1e-5: cars stay in families
    }

    /// What it rests on, as the API says it.
    pub(crate) fn told(self) -> Vec<DuplicateSign> {
        use DuplicateSign as Sign;
        let name = match self.name {
            Name::Same => Sign::SameName,
            Name::SamePinyin => Sign::SamePinyin,
            Name::Other => Sign::OtherName,
        };
        let signs = [
            Some(name),
            self.national_id.map(|same| if same { Sign::SameNationalId } else { Sign::OtherNationalId }),
            self.birthday.map(|same| if same { Sign::SameBirthday } else { Sign::OtherBirthday }),
            (self.gender == Some(false)).then_some(Sign::OtherGender),
            match self.phone {
                Phone::Same => Some(Sign::SamePhone),
                Phone::SameEnd => Some(Sign::SamePhoneEnd),
                Phone::Other => None,
            },
            self.account.then_some(Sign::SameAccount),
            self.vehicle.then_some(Sign::SameVehicle),
        ];
        signs.into_iter().flatten().collect()
    }

    /// Between two files of these kinds; none between a person and an organization.
    pub(crate) fn between(one: CustomerKind, other: CustomerKind) -> Option<Self> {
        (one == other).then(|| Self { organizations: one == CustomerKind::Organization, ..Self::default() })
    }
}

fn told(agrees: Option<bool>, yes: f64, no: f64) -> f64 {
    match agrees {
        None => 0.0,
        Some(true) => yes,
        Some(false) => no,
    }
}

fn when(is: bool, weight: f64) -> f64 {
    if is { weight } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signs() -> impl Strategy<Value = Signs> {
        let name = prop_oneof![Just(Name::Same), Just(Name::SamePinyin), Just(Name::Other)];
        let maybe = || proptest::option::of(any::<bool>());
        let phone = prop_oneof![Just(Phone::Same), Just(Phone::SameEnd), Just(Phone::Other)];
        (any::<bool>(), name, maybe(), maybe(), maybe(), phone, any::<[bool; 2]>()).prop_map(
            |(organizations, name, birthday, gender, national_id, phone, [account, vehicle])| Signs {
                organizations,
                name,
                birthday,
                gender,
                national_id,
                phone,
                account,
                vehicle,
            },
        )
    }

    #[test]
    fn who_has_two_signs_in_common_is_looked_at_and_who_has_one_is_not() {
        let same = Signs { name: Name::Same, ..Signs::default() };
        let pinyin = Signs { name: Name::SamePinyin, ..Signs::default() };
        let other = Signs::default();
        for (signs, likely) in [
            (same, false),
            (Signs { phone: Phone::Same, ..same }, true),
            (Signs { birthday: Some(true), ..same }, true),
            (Signs { vehicle: true, ..same }, true),
            (Signs { phone: Phone::SameEnd, ..same }, false),
            (Signs { phone: Phone::SameEnd, birthday: Some(true), ..same }, true),
            (Signs { phone: Phone::Same, ..pinyin }, true),
            (Signs { birthday: Some(true), ..pinyin }, false),
            // A couple: one phone, one car, two birthdays.
            (
                Signs {
                    phone: Phone::Same,
                    vehicle: true,
                    birthday: Some(false),
                    gender: Some(false),
                    ..other
                },
                false,
            ),
            (Signs { phone: Phone::Same, ..other }, false),
            (Signs { national_id: Some(true), ..other }, true),
            (Signs { national_id: Some(false), phone: Phone::Same, birthday: Some(true), ..same }, false),
        ] {
            assert_eq!(signs.probability() >= LIKELY, likely, "{signs:?}: {}", signs.probability());
        }
    }

    proptest! {
        #[test]
        fn it_is_a_probability(signs in signs()) {
            prop_assert!((0.0..=1.0).contains(&signs.probability()));
        }

        #[test]
        fn one_more_sign_in_common_makes_it_no_less_likely(signs in signs()) {
            for more in [
                Signs { name: Name::Same, ..signs },
                Signs { birthday: Some(true), ..signs },
                Signs { phone: Phone::Same, ..signs },
                Signs { account: true, ..signs },
                Signs { vehicle: true, ..signs },
                Signs { national_id: Some(true), ..signs },
            ] {
                prop_assert!(more.probability() >= signs.probability(), "{more:?}");
            }
        }
    }
}
