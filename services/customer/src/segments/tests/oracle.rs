//! Files at random in the real tables, their rows as the consumer makes them, and trees at random: SQL finds whom a plain reading of
//! the tree over the same facts finds.

use std::collections::BTreeSet;

use foursight_kernel::{StaffId, StoreId, TagId};
use foursight_proto::customer::v1::{
    ContactKind, CustomerGroup, CustomerKind, Gender, LifeCycleStage, Purpose, SourceChannel, ValueTier,
};
use foursight_testkit::Stack;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, civil::date, tz::TimeZone};
use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    CustomerRole,
    segments::{
        ask,
        compile::{Asking, Scope},
        condition::{Condition, Days, End, Leaf, Numbers},
    },
};

use super::tables::write;

const FILES: usize = 150;
const TREES: usize = 120;
const TODAY: Date = date(2026, 3, 1);

pub(super) fn store(number: u128) -> Uuid {
    Uuid::from_u128(900 + number)
}

pub(super) fn model(number: u8) -> String {
    format!("示例 S{number}")
}

#[derive(Debug, Clone)]
pub(super) struct Car {
    pub(super) model: u8,
    pub(super) new_on: Option<Date>,
    pub(super) warranty: Option<Date>,
    pub(super) compulsory: Option<Date>,
    pub(super) commercial: Option<Date>,
    pub(super) inspection: Option<Date>,
    pub(super) gone: bool,
}

/// A file, by what stands in the tables.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: Uuid,
    pub(super) codes: (i16, i16, i16, i16, i16),
    pub(super) groups: Vec<i16>,
    pub(super) birthday: Option<Date>,
    pub(super) opened: Timestamp,
    pub(super) value_fen: Option<i64>,
    pub(super) tags: Vec<u128>,
    pub(super) intended: Vec<u8>,
    pub(super) phone: Option<bool>,
    pub(super) cars: Vec<Car>,
    pub(super) stores: Vec<u128>,
    /// Where, when.
    pub(super) visits: Vec<(usize, Timestamp)>,
    /// Where, whose, whether open.
    pub(super) leads: Vec<(usize, u128, bool)>,
    /// Purpose, kind, state, in the order in which they were said.
    pub(super) consents: Vec<(i16, i16, i16)>,
}

fn near() -> impl Strategy<Value = Date> {
    prop_oneof![-40..40_i32, -1_500..1_500_i32].prop_map(|days| TODAY.saturating_add(days.days()))
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let noon = TODAY.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    prop_oneof![0..72_i64, 0..20_000_i64].prop_map(move |hours| noon - SignedDuration::from_hours(hours))
}

fn car() -> impl Strategy<Value = Car> {
    let maybe = || prop::option::weighted(0.7, near());
    (0..3_u8, maybe(), maybe(), maybe(), maybe(), maybe(), prop::bool::weighted(0.2)).prop_map(
        |(model, new_on, warranty, compulsory, commercial, inspection, gone)| Car {
            model,
            new_on,
            warranty,
            compulsory,
            commercial,
            inspection,
            gone,
        },
    )
}

fn file() -> impl Strategy<Value = File> {
    let codes = (1..3_i16, 0..3_i16, 1..7_i16, 1..12_i16, 0..4_i16);
    let groups = prop::collection::btree_set(1..5_i16, 0..3).prop_map(|groups| groups.into_iter().collect());
    let birthday = prop::option::of((0..30_000_i32).prop_map(|days| TODAY.saturating_sub(days.days())));
    let known = (codes, groups, birthday, instant(), prop::option::of(0..2_000_000_i64));
    let lists = (
        prop::collection::btree_set(1..5_u128, 0..3),
        prop::collection::btree_set(0..3_u8, 0..2),
        prop::option::of(any::<bool>()),
        prop::collection::vec(car(), 0..4),
        prop::collection::btree_set(0..3_u128, 1..4),
    );
    let dealings = (
        prop::collection::vec((0..3_usize, instant()), 0..4),
        prop::collection::vec((0..3_usize, 1..4_u128, any::<bool>()), 0..3),
        prop::collection::vec((1..6_i16, 1..5_i16, 1..3_i16), 0..12),
    );
    (known, lists, dealings).prop_map(|(known, lists, dealings)| {
        let (codes, groups, birthday, opened, value_fen) = known;
        let (tags, intended, phone, cars, stores) = lists;
        let stores: Vec<u128> = stores.into_iter().collect();
        let (mut visits, mut leads, consents) = dealings;
        for visit in &mut visits {
            let visit: &mut (usize, Timestamp) = visit;
            visit.0 %= stores.len();
        }
        // A customer has one open lead at a store.
        let mut open = BTreeSet::new();
        for lead in &mut leads {
            let lead: &mut (usize, u128, bool) = lead;
            lead.0 %= stores.len();
            lead.2 &= open.insert((lead.0, lead.2));
        }
        File {
            id: Uuid::nil(),
            codes,
            groups,
            birthday,
            opened,
            value_fen,
            tags: tags.into_iter().collect(),
            intended: intended.into_iter().collect(),
            phone,
            cars,
            stores,
            visits,
            leads,
            consents,
        }
    })
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let range = |most: i64| {
        (prop::option::of(0..most), prop::option::of(0..most)).prop_map(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => Numbers { min: Some(a.min(b)), max: Some(a.max(b)) },
            (None, None) => Numbers { min: Some(1), max: None },
            (min, max) => Numbers { min, max },
        })
    };
    let days = || {
        prop_oneof![
            (1..400_i32).prop_map(Days::Last),
            (near(), near()).prop_map(|(a, b)| Days::Between(Some(a.min(b)), Some(a.max(b)))),
            near().prop_map(|day| Days::Between(Some(day), None)),
            near().prop_map(|day| Days::Between(None, Some(day))),
        ]
    };
    prop_oneof![
        select(vec![LifeCycleStage::Buyer, LifeCycleStage::Service, LifeCycleStage::Prospect])
            .prop_map(Leaf::Stage),
        (1..6_u128).prop_map(|tag| Leaf::Tag(TagId::from(Uuid::from_u128(tag)))),
        select(vec![CustomerGroup::Uio, CustomerGroup::CarClub]).prop_map(Leaf::Group),
        select(vec![ValueTier::A, ValueTier::C]).prop_map(Leaf::Tier),
        select(vec![SourceChannel::WalkIn, SourceChannel::Call]).prop_map(Leaf::Source),
        (1..4_u128).prop_map(|who| Leaf::Advisor(StaffId::from(Uuid::from_u128(who)))),
        (0..4_u128).prop_map(|number| Leaf::Store(StoreId::from(store(number)))),
        select(vec![CustomerKind::Person, CustomerKind::Organization]).prop_map(Leaf::Kind),
        select(vec![Gender::Female, Gender::Male]).prop_map(Leaf::Gender),
        (0..4_u8).prop_map(|number| Leaf::OwnedModel(model(number))),
        (0..4_u8).prop_map(|number| Leaf::IntendedModel(model(number))),
        (1..13_i16).prop_map(Leaf::BirthMonth),
        range(80).prop_map(Leaf::Age),
        days().prop_map(Leaf::Opened),
        days().prop_map(Leaf::LastVisit),
        range(5).prop_map(Leaf::Visits),
        range(2_000_000).prop_map(Leaf::ValueFen),
        range(50).prop_map(Leaf::CarAgeMonths),
        (select(vec![End::Warranty, End::Insurance, End::Inspection]), 0..400_i32)
            .prop_map(|(end, within)| Leaf::Ends(end, within)),
        (
            select(vec![Purpose::Service, Purpose::Marketing, Purpose::Sharing]),
            select(vec![ContactKind::Phone, ContactKind::Address])
        )
            .prop_map(|(purpose, kind)| Leaf::Consent(purpose, kind)),
        any::<bool>().prop_map(Leaf::HasPhone),
        any::<bool>().prop_map(Leaf::HasVisited),
    ]
}

fn tree() -> impl Strategy<Value = Condition> {
    leaf().prop_map(Condition::Is).prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

/// A file's part in a scope, if it is in it at all: which of its stores count.
fn seen(file: &File, scope: &Scope) -> Option<BTreeSet<Uuid>> {
    let stores = file.stores.iter().map(|number| store(*number));
    let seen: BTreeSet<Uuid> = match scope {
        Scope::Group => stores.collect(),
        Scope::Store(one) => stores.filter(|store| store == one).collect(),
        Scope::Stores(several) => stores.filter(|store| several.contains(store)).collect(),
    };
    (!seen.is_empty()).then_some(seen)
}

fn holds(tree: &Condition, file: &File, stores: &BTreeSet<Uuid>, asking: &Asking) -> bool {
    match tree {
        Condition::All(several) => several.iter().all(|one| holds(one, file, stores, asking)),
        Condition::Any(several) => several.iter().any(|one| holds(one, file, stores, asking)),
        Condition::Not(one) => !holds(one, file, stores, asking),
        Condition::Is(leaf) => is_so(leaf, file, stores, asking),
    }
}

fn is_so(leaf: &Leaf, file: &File, stores: &BTreeSet<Uuid>, asking: &Asking) -> bool {
    let (kind, gender, stage, source, tier) = file.codes;
    let at = |place: usize| stores.contains(&store(file.stores[place]));
    let visits: Vec<Timestamp> = file.visits.iter().filter(|it| at(it.0)).map(|it| it.1).collect();
    let cars = || file.cars.iter().filter(|car| !car.gone);
    let ahead = |day: Option<Date>, within: i32| {
        day.is_some_and(|day| day >= TODAY && day <= TODAY.saturating_add(within.days()))
    };
    let same = |code: i16, it: i32| i32::from(code) == it;
    match leaf {
        Leaf::Stage(it) => same(stage, i32::from(*it)),
        Leaf::Tag(it) => file.tags.contains(&it.uuid().as_u128()),
        Leaf::Group(it) => file.groups.iter().any(|group| same(*group, i32::from(*it))),
        Leaf::Tier(it) => same(tier, i32::from(*it)),
        Leaf::Source(it) => same(source, i32::from(*it)),
        Leaf::Advisor(it) => {
            file.leads.iter().any(|lead| at(lead.0) && lead.2 && Uuid::from_u128(lead.1) == it.uuid())
        }
        Leaf::Store(it) => file.stores.iter().any(|number| store(*number) == it.uuid()),
        Leaf::Kind(it) => same(kind, i32::from(*it)),
        Leaf::Gender(it) => same(gender, i32::from(*it)),
        Leaf::OwnedModel(it) => cars().any(|car| model(car.model) == *it),
        Leaf::IntendedModel(it) => file.intended.iter().any(|number| model(*number) == *it),
        Leaf::BirthMonth(it) => file.birthday.is_some_and(|day| i16::from(day.month()) == *it),
        Leaf::Age(it) => file.birthday.is_some_and(|day| is_in(*it, age(day))),
        Leaf::Opened(it) => on(*it, file.opened, &asking.zone),
        Leaf::LastVisit(it) => visits.iter().max().is_some_and(|last| on(*it, *last, &asking.zone)),
        Leaf::Visits(it) => is_in(*it, visits.len().try_into().unwrap()),
        Leaf::ValueFen(it) => is_in(*it, file.value_fen.unwrap_or(0)),
        Leaf::CarAgeMonths(it) => cars().any(|car| car.new_on.is_some_and(|day| is_in(*it, months(day)))),
        Leaf::Ends(End::Warranty, within) => cars().any(|car| ahead(car.warranty, *within)),
        Leaf::Ends(End::Insurance, within) => {
            cars().any(|car| ahead(car.compulsory, *within) || ahead(car.commercial, *within))
        }
        Leaf::Ends(End::Inspection, within) => cars().any(|car| ahead(car.inspection, *within)),
        Leaf::Consent(purpose, contact) => {
            let said = file.consents.iter().rev();
            let mut of = said.filter(|it| same(it.0, i32::from(*purpose)) && same(it.1, i32::from(*contact)));
            of.next().is_some_and(|last| last.2 == 1)
        }
        Leaf::HasPhone(it) => *it == (file.phone == Some(true)),
        Leaf::HasVisited(it) => *it != visits.is_empty(),
    }
}

fn is_in(range: Numbers, number: i64) -> bool {
    range.min.is_none_or(|min| number >= min) && range.max.is_none_or(|max| number <= max)
}

/// Whole years: one more on the same day of the year, or on the next where there is none.
fn age(born: Date) -> i64 {
    let years = i64::from(TODAY.year() - born.year());
    years - i64::from((TODAY.month(), TODAY.day()) < (born.month(), born.day()))
}

/// Whole months, by the same reckoning.
fn months(since: Date) -> i64 {
    let months = i64::from(TODAY.year() - since.year()) * 12 + i64::from(TODAY.month() - since.month());
    months - i64::from(TODAY.day() < since.day())
}

fn on(days: Days, at: Timestamp, zone: &TimeZone) -> bool {
    let day = at.to_zoned(zone.clone()).date();
    match days {
        Days::Last(count) => day <= TODAY && day > TODAY.saturating_sub(count.days()),
        Days::Between(from, to) => from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to),
    }
}

#[tokio::test]
async fn sql_finds_whom_the_tree_means() {
    let stack = Stack::start(CustomerRole).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let files: Vec<File> = (1..=FILES)
        .map(|number| {
            let file = file().new_tree(&mut runner).unwrap().current();
            File { id: Uuid::from_u128(number.try_into().unwrap()), ..file }
        })
        .collect();
    let mut tx = stack.db("customer").begin_as_service().await.unwrap();
    write(&mut tx, &files).await;
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let scopes = [
        Scope::Group,
        Scope::Store(store(0)),
        Scope::Stores(vec![store(0), store(2)]),
        Scope::Stores(Vec::new()),
    ];
    let (mut found, mut left) = (0, 0);
    for _ in 0..TREES {
        let tree = tree().new_tree(&mut runner).unwrap().current();
        for scope in &scopes {
            let asking = Asking { scope: scope.clone(), today: TODAY, zone: zone.clone() };
            let within: Vec<_> = files.iter().filter_map(|file| Some((file, seen(file, scope)?))).collect();
            let meant = within.iter().filter(|(file, stores)| holds(&tree, file, stores, &asking));
            let mut meant: Vec<Uuid> = meant.map(|(file, _)| file.id).collect();
            meant.reverse();
            let ids = ask::ids(&mut tx, &tree, &asking, None, 1_000).await.unwrap();
            assert_eq!(ids, meant, "{tree:?} of {scope:?}");
            let count = ask::count(&mut tx, &tree, &asking).await.unwrap();
            assert_eq!(usize::try_from(count).unwrap(), meant.len());
            if let Some(middle) = meant.get(meant.len() / 2) {
                let rest = ask::ids(&mut tx, &tree, &asking, Some(*middle), 2).await.unwrap();
                assert_eq!(rest, meant[meant.len() / 2 + 1..].iter().copied().take(2).collect::<Vec<_>>());
            }
            found += meant.len();
            left += within.len() - meant.len();
        }
    }
    assert!(found > 5_000 && left > 5_000, "{found} found, {left} left out");
}
