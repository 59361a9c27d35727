//! The facts of a file that may change.

use foursight_kernel::Violations;
use foursight_proto::customer::v1::{Customer, CustomerKind, Gender, Profile as ProfileProto};
use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};

use crate::customers::{LunarBirthday, Profile, file::date_to_proto, new_file};

/// A fact. The numbers stand in `facts.field` and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    DisplayName = 1,
    Gender = 2,
    Birthday = 3,
    LunarBirthday = 4,
    NationalId = 5,
    Occupation = 6,
    IntendedModels = 7,
    CarUse = 8,
    Budget = 9,
    SpendingPreference = 10,
    PreferredContact = 11,
}

impl Field {
    pub(crate) const ALL: [Self; 11] = [
        Self::DisplayName,
        Self::Gender,
        Self::Birthday,
        Self::LunarBirthday,
        Self::NationalId,
        Self::Occupation,
        Self::IntendedModels,
        Self::CarUse,
        Self::Budget,
        Self::SpendingPreference,
        Self::PreferredContact,
    ];

    /// Its path in a `Customer`.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::DisplayName => "display_name",
            Self::Gender => "gender",
            Self::Birthday => "birthday",
            Self::LunarBirthday => "lunar_birthday",
            Self::NationalId => "national_id",
            Self::Occupation => "profile.occupation",
            Self::IntendedModels => "profile.intended_models",
            Self::CarUse => "profile.car_use",
            Self::Budget => "profile.budget",
            Self::SpendingPreference => "profile.spending_preference",
            Self::PreferredContact => "profile.preferred_contact",
        }
    }

    /// The facts that a path of a mask names: one, or all of the profile's.
    pub(crate) fn at(path: &str) -> Vec<Self> {
        let below = |field: &Self| {
            field.path() == path || field.path().split_once('.').is_some_and(|(head, _)| head == path)
        };
        Self::ALL.into_iter().filter(below).collect()
    }

    pub(crate) fn of_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|field| *field as i16 == number)
    }
}

/// The facts of one file.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) display_name: String,
    pub(crate) gender: Gender,
    pub(crate) birthday: Option<Date>,
    pub(crate) lunar_birthday: Option<LunarBirthday>,
    pub(crate) national_id: Option<SecretString>,
    pub(crate) profile: Profile,
}

impl Facts {
    /// Reads those of these fields that a request tells; the others are left unread, and empty.
    pub(crate) fn parse(
        v: &mut Violations,
        path: &str,
        told: &Customer,
        fields: &[Field],
        kind: Option<CustomerKind>,
        today: Date,
    ) -> Self {
        let mut told = told.clone();
        for field in Field::ALL.into_iter().filter(|field| !fields.contains(field)) {
            clear(&mut told, field);
        }
        let at = |name: &str| format!("{path}.{name}");
        let display_name = if fields.contains(&Field::DisplayName) {
            v.line(&at("display_name"), &told.display_name, 1..=100)
        } else {
            String::new()
        };
        let gender = v.optional_enum(&at("gender"), told.gender);
        let birthday = new_file::parse_birthday(v, &at("birthday"), &told, today);
        let lunar = told.lunar_birthday.as_ref();
        Self {
            display_name,
            gender: gender.unwrap_or(Gender::Unspecified),
            birthday,
            lunar_birthday: LunarBirthday::parse(v, &at("lunar_birthday"), lunar, today),
            national_id: new_file::parse_national_id(v, &at("national_id"), &told, kind, today),
            profile: Profile::parse(v, &at("profile"), told.profile.as_ref()),
        }
    }

    /// Facts as [`all`](Self::all) has told them.
    ///
    /// # Errors
    /// When they were never told so.
    pub(crate) fn kept(all: &Customer) -> foursight_kernel::Result<Self> {
        let mut v = Violations::default();
        // Nothing that was on file once is in the future.
        let facts = Self::parse(&mut v, "kept", all, &Field::ALL, None, Date::MAX);
        if v.is_empty() {
            Ok(facts)
        } else {
            Err(foursight_kernel::Error::internal("kept facts cannot be read"))
        }
    }

    /// Takes one fact over.
    pub(crate) fn take(&mut self, field: Field, from: &Self) {
        let (mine, other) = (&mut self.profile, &from.profile);
        match field {
            Field::DisplayName => self.display_name.clone_from(&from.display_name),
            Field::Gender => self.gender = from.gender,
            Field::Birthday => self.birthday = from.birthday,
            Field::LunarBirthday => self.lunar_birthday = from.lunar_birthday,
            Field::NationalId => self.national_id.clone_from(&from.national_id),
            Field::Occupation => mine.occupation.clone_from(&other.occupation),
            Field::IntendedModels => mine.intended_models.clone_from(&other.intended_models),
            Field::CarUse => mine.car_use = other.car_use,
            Field::Budget => mine.budget = other.budget,
            Field::SpendingPreference => mine.spending_preference = other.spending_preference,
            Field::PreferredContact => mine.contact = other.contact,
        }
    }

    /// One fact alone, whole, in a file that says nothing else. One that is not known leaves it empty.
    pub(crate) fn only(&self, field: Field) -> Customer {
        alone(self.all(), field)
    }

    /// All of them, in a file that says nothing else.
    pub(crate) fn all(&self) -> Customer {
        Customer {
            display_name: self.display_name.clone(),
            gender: self.gender.into(),
            birthday: self.birthday.map(date_to_proto),
            lunar_birthday: self.lunar_birthday.map(LunarBirthday::to_proto),
            national_id: self
                .national_id
                .as_ref()
                .map(|it| it.expose_secret().to_owned())
                .unwrap_or_default(),
            profile: self.profile.to_proto(),
            ..Customer::default()
        }
    }

    /// Whether anything is known of it.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.only(field) != Customer::default()
    }
}

/// Whether a request says anything of a fact.
pub(crate) fn is_told(customer: &Customer, field: Field) -> bool {
    let it = Customer {
        display_name: customer.display_name.clone(),
        gender: customer.gender,
        birthday: customer.birthday,
        lunar_birthday: customer.lunar_birthday,
        national_id: customer.national_id.clone(),
        profile: customer.profile.clone(),
        ..Customer::default()
    };
    alone(it, field) != Customer::default()
}

fn alone(mut it: Customer, field: Field) -> Customer {
    for other in Field::ALL.into_iter().filter(|other| *other != field) {
        clear(&mut it, other);
    }
    if it.profile == Some(ProfileProto::default()) {
        it.profile = None;
    }
    it
}

fn clear(it: &mut Customer, field: Field) {
    let profile = it.profile.as_mut();
    match field {
        Field::DisplayName => it.display_name.clear(),
        Field::Gender => it.gender = 0,
        Field::Birthday => it.birthday = None,
        Field::LunarBirthday => it.lunar_birthday = None,
        Field::NationalId => it.national_id.clear(),
        Field::Occupation => profile.map_or((), |it| it.occupation.clear()),
        Field::IntendedModels => profile.map_or((), |it| it.intended_models.clear()),
        Field::CarUse => profile.map_or((), |it| it.car_use = 0),
        Field::Budget => profile.map_or((), |it| it.budget = None),
        Field::SpendingPreference => profile.map_or((), |it| it.spending_preference = 0),
        Field::PreferredContact => profile.map_or((), |it| it.preferred_contact = None),
    }
}
