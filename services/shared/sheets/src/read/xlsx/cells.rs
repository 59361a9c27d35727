//! A workbook's cells as ours.

use crate::cell::{Cell, Fault};
use crate::error::SheetError;
use crate::limits::Limits;
use crate::values::{Epoch, serial};
use calamine::{CellErrorType, DataRef, ExcelDateTime, XlsxError};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

pub(super) fn cell(value: DataRef<'_>, has_formula: bool, limits: &Limits) -> Cell {
    match value {
        DataRef::Empty if has_formula => Cell::Fault(Fault::NotCalculated),
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            of_text(text, limits)
        }
        DataRef::SharedString(text) => of_text(text.to_owned(), limits),
        DataRef::Float(number) => of_number(number),
        DataRef::Int(number) => Cell::Number(number.into()),
        DataRef::Bool(yes) => Cell::Bool(yes),
        DataRef::DateTime(moment) => of_moment(&moment),
        DataRef::Error(error) => Cell::Fault(Fault::Shown(shown(&error))),
    }
}

fn of_text(text: String, limits: &Limits) -> Cell {
    if text.len() > limits.cell_chars && text.chars().count() > limits.cell_chars {
        Cell::Fault(Fault::TooLong { limit: limits.cell_chars })
    } else if text.is_empty() {
        Cell::Empty
    } else {
        Cell::Text(text)
    }
}

/// With the 15 digits that a spreadsheet shows, so that 0.1 + 0.2 is 0.3.
fn of_number(number: f64) -> Cell {
    Decimal::from_f64(number)
        .map_or(Cell::Fault(Fault::NumberOutOfRange), |number| Cell::Number(number.normalize()))
}

/// Times of day and durations stay numbers: days and parts of them.
fn of_moment(moment: &ExcelDateTime) -> Cell {
    // The library keeps the workbook's epoch to itself; the same serial tells it.
    let epoch = if is_1904(moment) { Epoch::Y1904 } else { Epoch::Y1900 };
    let days = moment.as_f64();
    let moment = moment.is_datetime().then(|| serial(days, epoch)).flatten();
    moment.filter(|_| days >= 1.0).map_or_else(|| of_number(days), Cell::Moment)
}

fn is_1904(moment: &ExcelDateTime) -> bool {
    let as_1900 = ExcelDateTime::new(moment.as_f64(), calamine::ExcelDateTimeType::DateTime, false);
    moment.to_ymd_hms_milli() != as_1900.to_ymd_hms_milli()
}

fn shown(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

/// What the library says, without the file's own words that stand in it.
pub(super) fn why(error: &XlsxError, row: u64) -> SheetError {
    let what = match error {
        XlsxError::Password => return SheetError::OldOrProtected,
        XlsxError::Zip(_) => "the zip is broken",
        XlsxError::Io(_) => "a part cannot be unpacked",
        XlsxError::Xml(_) | XlsxError::XmlAttr(_) | XlsxError::XmlEof(_) => "its XML is broken or breaks off",
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound | XlsxError::WorksheetNotFound(_) => {
            "a part is missing"
        }
        XlsxError::CellError(_) => "a cell shows an error that is not known",
        _ => "a cell or a part cannot be made sense of",
    };
    SheetError::Damaged { what, row }
}
