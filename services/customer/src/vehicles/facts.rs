//! The facts of a car that may change. They stand in a `Vehicle` that says nothing else.

use foursight_kernel::Violations;
use foursight_proto::{
    customer::v1::{Insurance, Vehicle, Warranty},
    google::r#type,
};
use jiff::civil::Date;

use crate::visits::odometer;

/// The years of a car's dates: what is before or after is a slip of the pen.
const YEARS: std::ops::RangeInclusive<i16> = 1980..=2100;

/// A fact. The numbers stand in `vehicle_facts.field` and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Model = 1,
    Trim = 2,
    Colour = 3,
    Warranty = 4,
    CompulsoryInsurance = 5,
    CommercialInsurance = 6,
    InspectionDate = 7,
    RegistrationDate = 8,
}

impl Field {
    pub(crate) const ALL: [Self; 8] = [
        Self::Model,
        Self::Trim,
        Self::Colour,
        Self::Warranty,
        Self::CompulsoryInsurance,
        Self::CommercialInsurance,
        Self::InspectionDate,
        Self::RegistrationDate,
    ];

    /// Its path in a `Vehicle`.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Trim => "trim",
            Self::Colour => "colour",
            Self::Warranty => "warranty",
            Self::CompulsoryInsurance => "compulsory_insurance",
            Self::CommercialInsurance => "commercial_insurance",
            Self::InspectionDate => "inspection_date",
            Self::RegistrationDate => "registration_date",
        }
    }

    pub(crate) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.path() == path)
    }

    pub(crate) fn of_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|field| *field as i16 == number)
    }
}

/// Takes one fact over.
pub(crate) fn take(to: &mut Vehicle, field: Field, from: &Vehicle) {
    match field {
        Field::Model => to.model.clone_from(&from.model),
        Field::Trim => to.trim.clone_from(&from.trim),
        Field::Colour => to.colour.clone_from(&from.colour),
        Field::Warranty => to.warranty = from.warranty,
        Field::CompulsoryInsurance => to.compulsory_insurance.clone_from(&from.compulsory_insurance),
        Field::CommercialInsurance => to.commercial_insurance.clone_from(&from.commercial_insurance),
        Field::InspectionDate => to.inspection_date = from.inspection_date,
        Field::RegistrationDate => to.registration_date = from.registration_date,
    }
}

/// One fact alone. One that is not known leaves an empty vehicle.
pub(crate) fn only(vehicle: &Vehicle, field: Field) -> Vehicle {
    let mut alone = Vehicle::default();
    take(&mut alone, field, vehicle);
    alone
}

/// Whether anything is said of a fact.
pub(crate) fn has(vehicle: &Vehicle, field: Field) -> bool {
    only(vehicle, field) != Vehicle::default()
}

/// Reads those of these fields that a request tells, in the form in which they are kept.
pub(crate) fn parse(v: &mut Violations, told: &Vehicle, fields: &[Field], today: Date) -> Vehicle {
    let mut read = Vehicle::default();
    for field in fields {
        take(&mut read, *field, told);
    }
    if fields.contains(&Field::Model) {
        read.model = v.line("vehicle.model", &read.model, 1..=100);
    }
    read.trim = v.line("vehicle.trim", &read.trim, 0..=100);
    read.colour = v.line("vehicle.colour", &read.colour, 0..=100);
    read.warranty = read.warranty.and_then(|it| warranty(v, it));
    read.compulsory_insurance =
        read.compulsory_insurance.map(|it| insurance(v, "vehicle.compulsory_insurance", &it));
    read.commercial_insurance =
        read.commercial_insurance.map(|it| insurance(v, "vehicle.commercial_insurance", &it));
    date(v, "vehicle.inspection_date", read.inspection_date.as_ref());
    let registered = date(v, "vehicle.registration_date", read.registration_date.as_ref());
    if registered.is_some_and(|day| day > today) {
        v.push("vehicle.registration_date", "must not be in the future");
    }
    read
}

/// A date of a car.
fn date(v: &mut Violations, field: &str, told: Option<&r#type::Date>) -> Option<Date> {
    let date = v.date(field, told)?;
    if !YEARS.contains(&date.year()) {
        v.push(field, format!("must be between the years {} and {}", YEARS.start(), YEARS.end()));
    }
    Some(date)
}

fn warranty(v: &mut Violations, told: Warranty) -> Option<Warranty> {
    if told == Warranty::default() {
        v.push(
            "vehicle.warranty",
            "needs its last day, its last kilometre, or both; leave it out to empty it",
        );
        return None;
    }
    date(v, "vehicle.warranty.end_date", told.end_date.as_ref());
    if told.end_km != 0 {
        v.number("vehicle.warranty.end_km", told.end_km, 1..=*odometer::BOUNDS.end());
    }
    Some(told)
}

fn insurance(v: &mut Violations, field: &str, told: &Insurance) -> Insurance {
    let at = format!("{field}.end_date");
    if told.end_date.is_none() {
        v.push(&at, "is required");
    }
    date(v, &at, told.end_date.as_ref());
    Insurance {
        insurer: v.line(&format!("{field}.insurer"), &told.insurer, 0..=100),
        end_date: told.end_date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(told: &Vehicle) -> Vec<String> {
        let mut v = Violations::default();
        parse(&mut v, told, &Field::ALL, Date::constant(2026, 11, 22));
        v.fields().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_wrong_part_is_told_by_its_field() {
        let day = |year| Some(r#type::Date { year, month: 11, day: 23 });
        let told = Vehicle {
            trim: "x".repeat(101),
            colour: "墨\n绿".to_owned(),
            warranty: Some(Warranty { end_date: day(2101), end_km: 3_000_001 }),
            compulsory_insurance: Some(Insurance { insurer: "示例保险".to_owned(), end_date: None }),
            commercial_insurance: Some(Insurance { insurer: "x".repeat(101), end_date: day(1979) }),
            inspection_date: Some(r#type::Date { year: 2026, month: 2, day: 30 }),
            registration_date: day(2026),
            ..Vehicle::default()
        };
        assert_eq!(
            wrong(&told),
            [
                "vehicle.colour",
                "vehicle.commercial_insurance.end_date",
                "vehicle.commercial_insurance.insurer",
                "vehicle.compulsory_insurance.end_date",
                "vehicle.inspection_date",
                "vehicle.model",
                "vehicle.registration_date",
                "vehicle.trim",
                "vehicle.warranty.end_date",
                "vehicle.warranty.end_km",
            ]
        );
        let told = Vehicle {
            warranty: Some(Warranty::default()),
            model: "远山 S7".to_owned(),
            ..Vehicle::default()
        };
        assert_eq!(wrong(&told), ["vehicle.warranty"]);
        let told = Vehicle {
            model: "远山 S7".to_owned(),
            warranty: Some(Warranty { end_date: None, end_km: 100_000 }),
            registration_date: Some(r#type::Date { year: 2026, month: 11, day: 22 }),
            ..Vehicle::default()
        };
        assert_eq!(wrong(&told), Vec::<String>::new());
    }

    #[test]
    fn a_fact_alone_is_that_fact() {
        let vehicle =
            Vehicle { model: "远山 S7".to_owned(), colour: "墨绿".to_owned(), ..Vehicle::default() };
        for field in Field::ALL {
            assert_eq!(has(&vehicle, field), matches!(field, Field::Model | Field::Colour));
            assert_eq!(Field::at(field.path()), Some(field));
            assert_eq!(Field::of_number(field as i16), Some(field));
        }
        let colour = Vehicle { colour: "墨绿".to_owned(), ..Vehicle::default() };
        assert_eq!(only(&vehicle, Field::Colour), colour);
    }
}
