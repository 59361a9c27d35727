//! A tree as SQL over the narrow rows (`segment_files`). Pure: what anybody said becomes a bound parameter, never a piece of text.
//!
//! Each leaf is true or false, never unknown, so that `not` means what it says.

use foursight_kernel::sql;
use foursight_proto::customer::v1::{ContactKind, Purpose};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::condition::{Condition, Days, End, Leaf, Numbers};

/// The store of the group's rows.
pub(super) const GROUP: Uuid = Uuid::nil();

/// Whose customers are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Group,
    Store(Uuid),
    /// Several stores, together.
    Stores(Vec<Uuid>),
}

/// What a question rests on besides its tree.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) scope: Scope,
    /// Which day it is.
    pub(super) today: Date,
    /// Where days begin.
    pub(super) zone: TimeZone,
}

/// The bit of a purpose and a kind of contact in `consents`.
pub(super) fn consent_bit(purpose: Purpose, kind: ContactKind) -> i32 {
    1 << ((i32::from(purpose) - 1) * 4 + i32::from(kind) - 1)
}

/// The earliest birthday of who is younger than so many years, on a day.
pub(super) fn younger_than(today: Date, years: i64) -> Date {
    let born = today.checked_sub(years.years()).unwrap_or(Date::MIN);
    born.tomorrow().unwrap_or(Date::MAX)
}

/// The first and the last day, as far as they are bounded.
pub(super) fn bounds(days: Days, today: Date) -> (Option<Date>, Option<Date>) {
    match days {
        Days::Last(count) => (Some(today.saturating_sub((count - 1).days())), Some(today)),
        Days::Between(from, to) => (from, to),
    }
}

/// The days on which a car of this age was new.
pub(super) fn new_on(months: Numbers, today: Date) -> (Option<Date>, Option<Date>) {
    let ago = |months: i64| today.checked_sub(months.months()).unwrap_or(Date::MIN);
    let first = months.max.map(|max| ago(max + 1).tomorrow().unwrap_or(Date::MAX));
    (first, months.min.map(ago))
}

/// The instant at which a day begins.
pub(super) fn begins(day: Date, zone: &TimeZone) -> Timestamp {
    let start = day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    start.unwrap_or(if day.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
}

/// A statement that begins so, from the rows of those who are meant, as `f`.
pub(super) fn statement(what: &str, tree: &Condition, asking: &Asking) -> QueryBuilder<Postgres> {
    let mut q = QueryBuilder::new(what);
    q.push(" FROM ");
    match &asking.scope {
        Scope::Group => {
            q.push("customer.segment_files f WHERE f.store_id = ").push_bind(GROUP);
        }
        Scope::Store(store) => {
            q.push("customer.segment_files f WHERE f.store_id = ").push_bind(*store);
        }
        Scope::Stores(stores) => {
            q.push(TOGETHER).push_bind(stores.clone()).push(") GROUP BY customer_id) f WHERE true");
        }
    }
    q.push(" AND ");
    tree_to(&mut q, tree, asking);
    q
}

/// A customer's rows of several stores as one: what the group knows is the same in each of them.
const TOGETHER: &str = "(SELECT customer_id, array_agg(store_id) AS stores, min(open_time) AS open_time, \
    max(last_visit_time) AS last_visit_time, min(value_fen) AS value_fen, sum(visits) AS visits, min(consents) AS consents, \
    min(birthday) AS birthday, min(birth_month) AS birth_month, min(kind) AS kind, min(gender) AS gender, min(stage) AS stage, \
    min(source) AS source, min(value_tier) AS value_tier, min(groups) AS groups, bool_or(has_phone) AS has_phone, \
    min(tags) AS tags, customer.all_of(advisors) AS advisors, min(intended_models) AS intended_models, \
    min(owned_models) AS owned_models, range_agg(car_dates) AS car_dates, range_agg(warranty_ends) AS warranty_ends, \
    range_agg(insurance_ends) AS insurance_ends, range_agg(inspection_dates) AS inspection_dates \
    FROM customer.segment_files WHERE store_id = ANY (";

fn tree_to(q: &mut QueryBuilder<Postgres>, tree: &Condition, asking: &Asking) {
    let (several, between) = match tree {
        Condition::All(several) => (several, " AND "),
        Condition::Any(several) => (several, " OR "),
        Condition::Not(one) => {
            q.push("NOT ");
            return tree_to(q, one, asking);
        }
        Condition::Is(leaf) => return leaf_to(q, leaf, asking),
    };
    q.push("(");
    for (place, one) in several.iter().enumerate() {
        if place > 0 {
            q.push(between);
        }
        tree_to(q, one, asking);
    }
    q.push(")");
}

fn leaf_to(q: &mut QueryBuilder<Postgres>, leaf: &Leaf, asking: &Asking) {
    let today = asking.today;
    match leaf {
        Leaf::Stage(it) => equals(q, "f.stage", sql::number(*it)),
        Leaf::Tier(it) => equals(q, "f.value_tier", sql::number(*it)),
        Leaf::Source(it) => equals(q, "f.source", sql::number(*it)),
        Leaf::Kind(it) => equals(q, "f.kind", sql::number(*it)),
        Leaf::Gender(it) => equals(q, "f.gender", sql::number(*it)),
        Leaf::BirthMonth(it) => equals(q, "f.birth_month", *it),
        Leaf::Tag(it) => stands_in(q, "f.tags", it.uuid()),
        Leaf::Advisor(it) => stands_in(q, "f.advisors", it.uuid()),
        Leaf::OwnedModel(it) => stands_in(q, "f.owned_models", it.clone()),
        Leaf::IntendedModel(it) => stands_in(q, "f.intended_models", it.clone()),
        Leaf::Store(it) => match &asking.scope {
            Scope::Group => stands_in(q, "f.stores", it.uuid()),
            // Whichever stores are asked about; as far as the caller reaches.
            Scope::Store(_) | Scope::Stores(_) => {
                q.push("EXISTS (SELECT FROM customer.customer_stores s WHERE s.customer_id = f.customer_id AND s.store_id = ")
                    .push_bind(it.uuid())
                    .push(")");
            }
        },
        Leaf::Group(it) => bit(q, "f.groups", 1 << i32::from(*it)),
        Leaf::Consent(purpose, kind) => bit(q, "f.consents", consent_bit(*purpose, *kind)),
        Leaf::HasPhone(it) => {
            q.push(if *it { "f.has_phone" } else { "(NOT f.has_phone)" });
        }
        Leaf::HasVisited(it) => {
            q.push(if *it { "f.visits > 0" } else { "f.visits = 0" });
        }
        Leaf::Visits(it) => between(q, "f.visits", it.min, it.max),
        Leaf::ValueFen(it) => between(q, "f.value_fen", it.min, it.max),
        Leaf::Age(it) => {
            let first = it.max.map(|max| sql::on(younger_than(today, max + 1)));
            let last = it.min.map(|min| sql::on(today.checked_sub(min.years()).unwrap_or(Date::MIN)));
            between(q, "f.birthday", first, last);
        }
        Leaf::Opened(days) => within(q, "f.open_time", bounds(*days, today), asking),
        Leaf::LastVisit(days) => within(q, "f.last_visit_time", bounds(*days, today), asking),
        Leaf::CarAgeMonths(months) => on_a_day(q, "f.car_dates", new_on(*months, today)),
        Leaf::Ends(end, days) => {
            let column = match end {
                End::Warranty => "f.warranty_ends",
                End::Insurance => "f.insurance_ends",
                End::Inspection => "f.inspection_dates",
            };
            on_a_day(q, column, (Some(today), Some(today.saturating_add(days.days()))));
        }
    }
}

fn equals(q: &mut QueryBuilder<Postgres>, column: &str, number: i16) {
    q.push("(").push(column).push(" = ").push_bind(number).push(") IS TRUE");
}

fn stands_in<'q, T>(q: &mut QueryBuilder<Postgres>, column: &str, it: T)
where
    T: 'q + sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    q.push("(").push_bind(it).push(" = ANY (").push(column).push(")) IS TRUE");
}

fn bit(q: &mut QueryBuilder<Postgres>, column: &str, bit: i32) {
    q.push("((").push(column).push(" & ").push_bind(bit).push(") <> 0)");
}

/// From and to, both included.
fn between<'q, T>(q: &mut QueryBuilder<Postgres>, column: &str, first: Option<T>, last: Option<T>)
where
    T: 'q + sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    q.push("(").push(column).push(" IS NOT NULL");
    if let Some(first) = first {
        q.push(" AND ").push(column).push(" >= ").push_bind(first);
    }
    if let Some(last) = last {
        q.push(" AND ").push(column).push(" <= ").push_bind(last);
    }
    q.push(")");
}

fn within(
    q: &mut QueryBuilder<Postgres>,
    column: &str,
    (first, last): (Option<Date>, Option<Date>),
    asking: &Asking,
) {
    q.push("(").push(column).push(" IS NOT NULL");
    if let Some(first) = first {
        q.push(" AND ").push(column).push(" >= ").push_bind(sql::at(begins(first, &asking.zone)));
    }
    if let Some(next) = last.and_then(|last| last.tomorrow().ok()) {
        q.push(" AND ").push(column).push(" < ").push_bind(sql::at(begins(next, &asking.zone)));
    }
    q.push(")");
}

fn on_a_day(q: &mut QueryBuilder<Postgres>, column: &str, (first, last): (Option<Date>, Option<Date>)) {
    q.push("(").push(column).push(" && daterange(").push_bind(first.map(sql::on)).push(", ");
    q.push_bind(last.map(sql::on)).push(", '[]')) IS TRUE");
}
