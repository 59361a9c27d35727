//! What one row of points says.

use foursight_sheets::{Row, values};
use jiff::civil::Date;

use crate::imports::{
    owner::{self, Owner},
    reading::{Reader, Reading},
    reason::Reason,
};

pub(super) const POINTS: &str = "points";
pub(super) const OCCUR_DATE: &str = "occur_date";
/// As the table has it.
const MOST_POINTS: i64 = 1_000_000_000;

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(in crate::imports) struct Told {
    pub(super) owner: Owner,
    pub(super) points: i64,
    /// For which day it is said; of today when absent.
    pub(super) day: Option<Date>,
    pub(super) content: i64,
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader::of(reading, row);
    let points = it.read(POINTS, values::whole);
    if points.is_some_and(|points| !(1..=MOST_POINTS).contains(&points)) {
        it.refuse(POINTS, format!("must be between 1 and {MOST_POINTS}"));
    }
    it.require(POINTS, points.is_some());
    let day = it.past(OCCUR_DATE);
    let owner = Owner::read(&mut it);
    it.require(owner::NAME, owner.is_some() || !it.wrong.is_empty());
    let (Some(owner), Some(points), true) = (owner, points, it.wrong.is_empty()) else {
        return Err(it.wrong);
    };
    let content = owner::content_of(format!("{points} {day:?} "), Some(&owner));
    Ok(Told { owner, points, day, content })
}
