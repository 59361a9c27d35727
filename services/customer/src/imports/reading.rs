//! Reading a row, one field at a time, with everything that is wrong.

use aws_lc_rs::digest::{SHA256, digest};
use foursight_kernel::StoreId;
use foursight_proto::customer::v1::SourceChannel;
use foursight_sheets::{
    Cell, Row,
    values::{self, ValueError},
};
use jiff::{Timestamp, civil::Date};

use crate::{
    customers::KeyRing,
    imports::{
        columns::Columns,
        kind::Hash,
        reason::{Code, Reason},
    },
    store_days,
    vehicles::vin::VinRule,
};

/// How rows are read.
pub(super) struct Reading<'a> {
    pub(super) columns: &'a Columns,
    pub(super) keys: &'a KeyRing,
    pub(super) store: StoreId,
    pub(super) source: SourceChannel,
    pub(super) vins: VinRule,
    pub(super) today: Date,
}

/// One row's fields.
pub(super) struct Reader<'a> {
    pub(super) reading: &'a Reading<'a>,
    row: &'a Row,
    pub(super) wrong: Vec<Reason>,
}

impl<'a> Reader<'a> {
    pub(super) fn of(reading: &'a Reading<'a>, row: &'a Row) -> Self {
        let problem = |problem: &_| Reason::of(Code::RowUneven).with(String::clone(problem));
        let problems: Vec<String> = row.problems.iter().map(ToString::to_string).collect();
        Self { reading, row, wrong: problems.iter().map(problem).collect() }
    }

    pub(super) fn read<T>(
        &mut self,
        field: &'static str,
        of: impl FnOnce(&Cell) -> Result<Option<T>, ValueError>,
    ) -> Option<T> {
        match of(self.reading.columns.cell(self.row, field)) {
            Ok(value) => value,
            Err(error) => {
                self.wrong.push(Reason::of_cell(field, error));
                None
            }
        }
    }

    pub(super) fn text(&mut self, field: &'static str, most: usize) -> Option<String> {
        self.read(field, |cell| values::text(cell, most))
    }

    /// One line of text.
    pub(super) fn line(&mut self, field: &'static str, most: usize) -> Option<String> {
        Some(self.text(field, most)?.replace('\n', " "))
    }

    /// One of a few words.
    pub(super) fn word<T>(
        &mut self,
        field: &'static str,
        of: impl FnOnce(&str) -> Option<T>,
        help: &str,
    ) -> Option<T> {
        let text = self.text(field, 100)?;
        let word = of(&text);
        if word.is_none() {
            self.wrong.push(Reason::at(field, Code::WordUnknown).with(help));
        }
        word
    }

    /// A text by a rule of ours.
    pub(super) fn ruled<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        of: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.line(field, 100)?;
        of(&text).map_err(|error| self.refuse(field, error.to_string())).ok()
    }

    /// A day that is not to come.
    pub(super) fn past(&mut self, field: &'static str) -> Option<Date> {
        let day = self.read(field, values::date)?;
        if day > self.reading.today || day.year() < 1980 {
            self.refuse(field, "must be between the year 1980 and today".to_owned());
            return None;
        }
        Some(day)
    }

    /// Says that a field is missing, unless it is there or is wrong already.
    pub(super) fn require(&mut self, field: &'static str, is_there: bool) {
        if !is_there && !self.is_wrong(field) {
            self.wrong.push(Reason::at(field, Code::Missing));
        }
    }

    /// Says what is wrong with a field.
    pub(super) fn refuse(&mut self, field: &'static str, rule: String) {
        self.wrong.push(Reason::at(field, Code::ValueWrong).with(rule));
    }

    /// Whether something is wrong with a field already.
    pub(super) fn is_wrong(&self, field: &str) -> bool {
        self.wrong.iter().any(|known| known.field == field)
    }
}

/// The first instant of a day in China, where tables say days alone.
pub(super) fn begin_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(store_days::usual()).ok().map(|at| at.timestamp())
}

/// A digest by which rows that are about the same find each other.
pub(super) fn key_of(said: &str) -> Hash {
    digest(&SHA256, said.as_bytes()).as_ref().to_vec()
}

/// A digest as a number.
pub(super) fn digest_of(said: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(digest(&SHA256, said).as_ref()).for_each(|(to, from)| *to = *from);
    i64::from_be_bytes(bytes)
}
