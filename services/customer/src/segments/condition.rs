//! The tree of conditions, as it is checked: bounded, and every wrong place named by its path.

use std::ops::RangeInclusive;

use foursight_kernel::{StaffId, StoreId, TagId, Violations, sql};
use foursight_proto::customer::v1::{
    ConsentHeld, ContactKind, CustomerGroup, CustomerKind, DayRange, Gender, LifeCycleStage, NumberRange,
    Purpose, SegmentCondition, SegmentConditions, SourceChannel, ValueTier,
    segment_condition::Condition as It,
};
use jiff::civil::Date;

/// Levels of a tree.
pub(super) const MOST_LEVELS: usize = 6;
/// Conditions of a tree, those that hold others among them.
pub(super) const MOST_CONDITIONS: usize = 50;
/// How far ahead anybody looks, in days.
const MOST_AHEAD: i32 = 3_650;
/// How far back, in days.
const MOST_BACK: i32 = 36_500;

/// What customers have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Is(Leaf),
}

/// What is asked of a file. What is not known of it is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    Stage(LifeCycleStage),
    Tag(TagId),
    Group(CustomerGroup),
    Tier(ValueTier),
    Source(SourceChannel),
    Advisor(StaffId),
    Store(StoreId),
    Kind(CustomerKind),
    Gender(Gender),
    OwnedModel(String),
    IntendedModel(String),
    BirthMonth(i16),
    Age(Numbers),
    Opened(Days),
    LastVisit(Days),
    Visits(Numbers),
    ValueFen(Numbers),
    CarAgeMonths(Numbers),
    /// Days from today on, today included.
    Ends(End, i32),
    Consent(Purpose, ContactKind),
    HasPhone(bool),
    HasVisited(bool),
}

/// What ends for a car.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Warranty,
    Insurance,
    Inspection,
}

/// From and to, both included; one of them at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

/// Which days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// So many, today among them.
    Last(i32),
    /// From and to, both included; one of them at least.
    Between(Option<Date>, Option<Date>),
}

/// Reads a tree; `None` when something of it is wrong, which `v` tells.
pub(super) fn parse(v: &mut Violations, field: &str, tree: Option<&SegmentCondition>) -> Option<Condition> {
    let Some(tree) = tree else {
        v.push(field, "is required");
        return None;
    };
    let mut reader = Reader { v, left: MOST_CONDITIONS, told: false };
    reader.tree(field, tree, MOST_LEVELS)
}

struct Reader<'a> {
    v: &'a mut Violations,
    /// How many conditions there may still be.
    left: usize,
    /// Whether it was told that there are too many.
    told: bool,
}

impl Reader<'_> {
    fn tree(&mut self, at: &str, tree: &SegmentCondition, levels: usize) -> Option<Condition> {
        if self.told {
            return None;
        }
        if levels == 0 {
            self.v.push(at, format!("must not be deeper than {MOST_LEVELS} levels"));
            return None;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.told = true;
            self.v.push(at, format!("is one too many: a segment has at most {MOST_CONDITIONS} conditions"));
            return None;
        };
        self.left = left;
        let Some(condition) = &tree.condition else {
            self.v.push(at, "must have one of the conditions that the API names");
            return None;
        };
        match condition {
            It::All(several) => self.several(&format!("{at}.all"), several, levels).map(Condition::All),
            It::Any(several) => self.several(&format!("{at}.any"), several, levels).map(Condition::Any),
            It::Not(one) => {
                let one = self.tree(&format!("{at}.not"), one, levels - 1)?;
                Some(Condition::Not(Box::new(one)))
            }
            leaf => self.leaf(at, leaf).map(Condition::Is),
        }
    }

    fn several(&mut self, at: &str, several: &SegmentConditions, levels: usize) -> Option<Vec<Condition>> {
        if several.conditions.is_empty() {
            self.v.push(format!("{at}.conditions"), "is required: one condition at least");
            return None;
        }
        let places = several.conditions.iter().enumerate();
        let read: Vec<_> = places
            .map(|(place, one)| self.tree(&format!("{at}.conditions[{place}]"), one, levels - 1))
            .collect();
        read.into_iter().collect()
    }

    fn leaf(&mut self, at: &str, leaf: &It) -> Option<Leaf> {
        let v = &mut *self.v;
        Some(match leaf {
            It::All(_) | It::Any(_) | It::Not(_) => return None,
            It::Stage(it) => Leaf::Stage(v.required_enum(&format!("{at}.stage"), *it)?),
            It::Tag(it) => Leaf::Tag(v.name(&format!("{at}.tag"), it)?),
            It::Group(it) => Leaf::Group(v.required_enum(&format!("{at}.group"), *it)?),
            It::ValueTier(it) => Leaf::Tier(v.required_enum(&format!("{at}.value_tier"), *it)?),
            It::Source(it) => Leaf::Source(v.required_enum(&format!("{at}.source"), *it)?),
            It::Advisor(it) => Leaf::Advisor(v.name(&format!("{at}.advisor"), it)?),
            It::Store(it) => Leaf::Store(v.name(&format!("{at}.store"), it)?),
            It::Kind(it) => Leaf::Kind(v.required_enum(&format!("{at}.kind"), *it)?),
            It::Gender(it) => Leaf::Gender(v.required_enum(&format!("{at}.gender"), *it)?),
            It::OwnedModel(it) => Leaf::OwnedModel(model(v, &format!("{at}.owned_model"), it)),
            It::IntendedModel(it) => Leaf::IntendedModel(model(v, &format!("{at}.intended_model"), it)),
            It::BirthdayMonth(it) => {
                Leaf::BirthMonth(sql::number(v.number(&format!("{at}.birthday_month"), *it, 1..=12)))
            }
            It::Age(it) => Leaf::Age(numbers(v, &format!("{at}.age"), it, 0..=150)?),
            It::Opened(it) => Leaf::Opened(days(v, &format!("{at}.opened"), it)?),
            It::LastVisit(it) => Leaf::LastVisit(days(v, &format!("{at}.last_visit"), it)?),
            It::Visits(it) => Leaf::Visits(numbers(v, &format!("{at}.visits"), it, 0..=1_000_000)?),
            It::ValueFen(it) => {
                Leaf::ValueFen(numbers(v, &format!("{at}.value_fen"), it, 0..=1_000_000_000_000_000)?)
            }
            It::CarAgeMonths(it) => {
                Leaf::CarAgeMonths(numbers(v, &format!("{at}.car_age_months"), it, 0..=1_200)?)
            }
            It::WarrantyEndsWithinDays(it) => {
                Leaf::Ends(End::Warranty, ahead(v, &format!("{at}.warranty_ends_within_days"), *it))
            }
            It::InsuranceEndsWithinDays(it) => {
                Leaf::Ends(End::Insurance, ahead(v, &format!("{at}.insurance_ends_within_days"), *it))
            }
            It::InspectionWithinDays(it) => {
                Leaf::Ends(End::Inspection, ahead(v, &format!("{at}.inspection_within_days"), *it))
            }
            It::Consent(it) => consent(v, &format!("{at}.consent"), *it)?,
            It::HasPhone(it) => Leaf::HasPhone(*it),
            It::HasVisited(it) => Leaf::HasVisited(*it),
        })
    }
}

fn model(v: &mut Violations, field: &str, model: &str) -> String {
    v.line(field, model, 1..=100)
}

fn ahead(v: &mut Violations, field: &str, days: i32) -> i32 {
    v.number(field, days, 0..=MOST_AHEAD)
}

fn consent(v: &mut Violations, field: &str, held: ConsentHeld) -> Option<Leaf> {
    let purpose = v.required_enum(&format!("{field}.purpose"), held.purpose);
    let kind = v.required_enum(&format!("{field}.contact_kind"), held.contact_kind);
    Some(Leaf::Consent(purpose?, kind?))
}

fn numbers(
    v: &mut Violations,
    field: &str,
    range: &NumberRange,
    bounds: RangeInclusive<i64>,
) -> Option<Numbers> {
    let Numbers { min, max } = Numbers { min: range.min, max: range.max };
    if min.is_none() && max.is_none() {
        v.push(field, "must have a min, a max, or both");
        return None;
    }
    for (name, number) in [("min", min), ("max", max)] {
        if number.is_some_and(|number| !bounds.contains(&number)) {
            let (first, last) = (bounds.start(), bounds.end());
            v.push(format!("{field}.{name}"), format!("must be from {first} to {last}"));
        }
    }
    if min.zip(max).is_some_and(|(min, max)| max < min) {
        v.push(format!("{field}.max"), "must not be less than the min");
    }
    Some(Numbers { min, max })
}

fn days(v: &mut Violations, field: &str, range: &DayRange) -> Option<Days> {
    let from = v.date(&format!("{field}.from"), range.from.as_ref());
    let to = v.date(&format!("{field}.to"), range.to.as_ref());
    for (name, day) in [("from", from), ("to", to)] {
        if day.is_some_and(|day| !(1900..=2200).contains(&day.year())) {
            v.push(format!("{field}.{name}"), "must be a day of the years 1900 to 2200");
        }
    }
    let dated = range.from.is_some() || range.to.is_some();
    match (range.last_days, dated) {
        (0, false) => {
            v.push(field, "must have last_days, or from, to, or both");
            None
        }
        (0, true) => {
            if from.zip(to).is_some_and(|(from, to)| to < from) {
                v.push(format!("{field}.to"), "must not be before the first day");
            }
            Some(Days::Between(from, to))
        }
        (last, false) => Some(Days::Last(v.number(&format!("{field}.last_days"), last, 1..=MOST_BACK))),
        (_, true) => {
            v.push(format!("{field}.last_days"), "must be absent where days are named");
            None
        }
    }
}

impl Condition {
    /// The leaves, in their order.
    pub(super) fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::All(several) | Self::Any(several) => several.iter().flat_map(Self::leaves).collect(),
            Self::Not(one) => one.leaves(),
            Self::Is(leaf) => vec![leaf],
        }
    }
}
