//! How instants and dates stand in a row.

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
