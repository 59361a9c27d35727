//! What cells mean. Each rule is pure, takes any cell, and answers `None` for a blank one: whether a field may be
//! absent is the caller's to say. What cannot be told for sure is refused, with the reason; a guess would stand in
//! a customer's file for years.

mod boolean;
mod date;
mod money;
mod number;
mod phone;
mod text;

pub use boolean::yes_no;
pub use date::{Epoch, date, date_time, serial};
pub use money::minor_units;
pub use number::{decimal, whole};
pub use phone::phone;
pub use text::{plain_text, text};

use crate::cell::{Cell, Fault};

/// Why a cell has no such value. Names the remedy and never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The cell has no value at all.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The cell has another kind of value.
    #[error("the cell holds something else than {0}")]
    OtherKind(&'static str),
    /// Not a date.
    #[error("this is no date: write it like 2026-03-05")]
    NotADate,
    /// A date that does not say which figure is the month.
    #[error("day and month cannot be told apart: write the date like 2026-03-05")]
    AmbiguousDate,
    /// A date that no calendar has.
    #[error("there is no such day")]
    NoSuchDay,
    /// Not a number.
    #[error("this is no number: write digits only, like 12345.67")]
    NotANumber,
    /// A number with parts that a whole one has not.
    #[error("this is no whole number")]
    NotWhole,
    /// A decimal comma or a thousands separator.
    #[error("the separators do not say how large the number is: write it like 12345.67")]
    AmbiguousNumber,
    /// A number that no field holds.
    #[error("the number is too large")]
    TooLarge,
    /// More decimals than the currency has.
    #[error("the amount has more than {0} decimals")]
    TooManyDecimals(u32),
    /// A spreadsheet has kept the beginning of a long number only.
    #[error(
        "digits were lost because the spreadsheet took this for a number: format the column as text and fill it in anew"
    )]
    LostDigits,
    /// Not a phone number.
    #[error("this is no phone number")]
    NotAPhone,
    /// Neither yes nor no.
    #[error("this is neither yes nor no: write 是 or 否, Y or N")]
    NeitherYesNorNo,
    /// A text beyond its field.
    #[error("the text is longer than {0} characters")]
    TooLong(usize),
}

/// The text of a cell as a person sees it, cleaned; empty for a blank one.
pub(crate) fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Number(number) => number.normalize().to_string(),
        Cell::Moment(moment) => date::written(*moment),
        Cell::Bool(yes) => yes.to_string(),
        Cell::Fault(Fault::Shown(error)) => (*error).to_owned(),
        Cell::Empty | Cell::Covered { .. } | Cell::Fault(_) => String::new(),
    }
}
