use jiff::civil::DateTime;
use rust_decimal::Decimal;

/// What stands in a cell. A CSV has texts only; what they mean is for [`crate::values`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text as it was typed, blanks included.
    Text(String),
    /// A number, with the 15 digits that a spreadsheet keeps.
    Number(Decimal),
    /// A cell that is formatted as a date, in the workbook's own epoch.
    Moment(DateTime),
    /// A ticked or unticked cell.
    Bool(bool),
    /// Part of merged cells whose value stands in the first of them.
    Covered {
        /// The first of the merged cells, as spreadsheets name it: `B2`.
        first: String,
    },
    /// Something that has no value.
    Fault(Fault),
}

impl Cell {
    /// Whether nothing can be read here: empty, blank text, or covered by a neighbour.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty | Self::Covered { .. } => true,
            Self::Text(text) => text.chars().all(char::is_whitespace),
            _ => false,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

/// Why a cell has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The spreadsheet's own error.
    #[error("the cell shows the error {0}: mend its formula, or write the value")]
    Shown(&'static str),
    /// A formula that was never calculated.
    #[error(
        "the cell has a formula without a calculated value: open the file in a spreadsheet program and save it"
    )]
    NotCalculated,
    /// Too long.
    #[error("the cell is longer than {limit} characters")]
    TooLong {
        /// Characters.
        limit: usize,
    },
    /// A number that no field has.
    #[error("the cell's number is out of range")]
    NumberOutOfRange,
}

/// What is wrong with a row as a whole. The row is given all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More or fewer cells than the header: a delimiter or a quote is missing or too many, so values may stand in
    /// wrong columns.
    #[error("the row has {found} cells, the header {expected}")]
    Uneven {
        /// Columns of the header.
        expected: usize,
        /// Cells of the row, blank ones at its end not counted when they are too many.
        found: usize,
    },
}

/// A row below the header. Rows in which nothing stands are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Where it stands: the line in a CSV (its first, when cells have line breaks), the row in a workbook. From 1.
    pub number: u64,
    /// As many cells as the header has.
    pub cells: Vec<Cell>,
    /// What is wrong with the row as a whole.
    pub problems: Vec<Problem>,
}

/// The name that spreadsheets give to a cell, both counted from 0: `(1, 27)` is `AB2`.
pub(crate) fn cell_name(row: u32, column: u32) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect::<String>() + &(u64::from(row) + 1).to_string()
}
