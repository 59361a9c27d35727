//! From bytes to rows.

mod csv;
mod xlsx;

use crate::cell::{Cell, Row};
use crate::error::{Encoding, SheetError};
use crate::limits::Limits;
use std::io::{self, Read, Seek, SeekFrom};

/// Where a table comes from: read twice, once to learn what it is, once for its rows.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with delimiters.
    Csv {
        /// How its characters are written.
        encoding: Encoding,
        /// `,`, `;` or tab.
        delimiter: u8,
    },
    /// A workbook.
    Xlsx {
        /// The sheet that is read.
        sheet: String,
    },
}

/// What a person should know about how the file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A sheet that nobody sees is not read.
    HiddenSheet {
        /// Its name.
        sheet: String,
    },
    /// A sheet without a header, or a page that holds a chart.
    NotATable {
        /// Its name.
        sheet: String,
    },
    /// Only one sheet is read, and this comes after it.
    FurtherSheet {
        /// Its name.
        sheet: String,
    },
}

/// A table that is being read, row by row.
pub struct Table {
    format: Format,
    header_row: u64,
    header: Vec<String>,
    notes: Vec<Note>,
    rows: Rows,
    over: bool,
}

enum Rows {
    Csv(Box<csv::Rows>),
    Xlsx(Box<xlsx::Rows>),
}

/// What a reader finds before the first row.
struct Opened {
    format: Format,
    header: Row,
    notes: Vec<Note>,
    rows: Rows,
}

/// Opens a table by what it contains, whatever its name: an XLSX, or a CSV in UTF-8, GB18030 or UTF-16.
///
/// The header is the first row in which anything stands. This reads the whole source once, without keeping it: a
/// wrong byte in the last line is told before the first row is given.
pub fn open(source: impl Source + 'static, limits: &Limits) -> Result<Table, SheetError> {
    let mut source: Box<dyn Source> = Box::new(source);
    let mut magic = [0; 8];
    // Whoever has just written it stands at its end.
    source.seek(SeekFrom::Start(0))?;
    let length = fill(&mut source, &mut magic)?;
    source.seek(SeekFrom::Start(0))?;
    let opened = match &magic[..length] {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => xlsx::open(source, limits)?,
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] => return Err(SheetError::OldOrProtected),
        _ => csv::open(source, limits)?,
    };
    let header = opened.header.cells.iter().map(crate::values::shown).collect();
    Ok(Table {
        format: opened.format,
        header_row: opened.header.number,
        header,
        notes: opened.notes,
        rows: opened.rows,
        over: false,
    })
}

impl Table {
    /// What the file is.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The columns' names as they stand in the file; a column without a name has an empty one.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Where the header stands, from 1.
    pub fn header_row(&self) -> u64 {
        self.header_row
    }

    /// What a person should know about how the file is read.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The next row in which anything stands. After an error there is none.
    pub fn next_row(&mut self) -> Result<Option<Row>, SheetError> {
        while !self.over {
            let next = match &mut self.rows {
                Rows::Csv(rows) => rows.next_row(),
                Rows::Xlsx(rows) => rows.next_row(),
            };
            self.over = !matches!(next, Ok(Some(_)));
            let Some(mut row) = next? else { break };
            if row.cells.iter().all(Cell::is_blank) && row.problems.is_empty() {
                continue;
            }
            row.cells.resize(self.header.len(), Cell::Empty);
            return Ok(Some(row));
        }
        Ok(None)
    }
}

impl Iterator for Table {
    type Item = Result<Row, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Source, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match source.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
