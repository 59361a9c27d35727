//! How instants, dates and enums stand in a row.

pub use jiff_sqlx::{Date, Timestamp};

/// An instant as the database takes it.
pub fn at(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from(instant)
}

/// An optional instant as the database takes it.
pub fn maybe_at(instant: Option<jiff::Timestamp>) -> Option<Timestamp> {
    instant.map(Timestamp::from)
}

/// A date as the database takes it.
pub fn on(date: jiff::civil::Date) -> Date {
    Date::from(date)
}

/// A value of a proto's enum as the database takes it.
pub fn number(value: impl Into<i32>) -> i16 {
    // Our enums have far fewer values than that, and the tables' checks know each.
    i16::try_from(value.into()).unwrap_or_default()
}
