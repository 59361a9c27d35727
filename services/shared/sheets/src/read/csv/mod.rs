//! Text with delimiters.

mod decode;
mod detect;

use super::{Format, Opened, Source};
use crate::cell::{Cell, Fault, Problem, Row};
use crate::error::SheetError;
use crate::limits::Limits;
use crate::write::unguarded;
use csv::{ReaderBuilder, StringRecord};
use decode::{Decoded, Metered};
use std::io::SeekFrom;

/// Bytes that the CSV parser takes ahead.
const AHEAD: usize = 64 << 10;

pub(super) struct Rows {
    reader: csv::Reader<Metered<Decoded>>,
    record: StringRecord,
    limits: Limits,
    /// Columns of the header, once it is known.
    width: Option<usize>,
    /// The line after the last row.
    line: u64,
}

pub(super) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Opened, SheetError> {
    let encoding = detect::encoding(&mut source, limits)?;
    source.seek(SeekFrom::Start(0))?;
    let mut decoded = Decoded::new(source, encoding);
    let delimiter = detect::delimiter(decoded.peek(limits)?);
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(AHEAD)
        .from_reader(Metered::new(decoded));
    let mut rows = Rows { reader, record: StringRecord::new(), limits: limits.clone(), width: None, line: 1 };
    let header = loop {
        let row = rows.next_row()?.ok_or(SheetError::Empty)?;
        if !row.cells.iter().all(Cell::is_blank) {
            break row;
        }
    };
    // Delimiters behind the last name are no columns.
    let width = header.cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
    if width > rows.limits.columns {
        return Err(SheetError::TooManyColumns { found: width, limit: rows.limits.columns });
    }
    rows.width = Some(width);
    let header = Row { cells: header.cells.into_iter().take(width).collect(), ..header };
    Ok(Opened {
        format: Format::Csv { encoding, delimiter },
        header,
        notes: Vec::new(),
        rows: super::Rows::Csv(Box::new(rows)),
    })
}

impl Rows {
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SheetError> {
        // What the parser has taken ahead belongs to this row or to later ones.
        self.reader.get_mut().allow(self.limits.row_bytes + AHEAD);
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.why(error)),
        }
        let number = self.record.position().map_or(self.line, csv::Position::line);
        self.line = self.reader.position().line();
        if self.record.as_slice().len() > self.limits.row_bytes {
            return Err(SheetError::RowTooLong { line: number, limit: self.limits.row_bytes });
        }
        let found = (0..self.record.len())
            .rev()
            .find(|at| self.record.get(*at).is_some_and(|cell| !cell.trim().is_empty()))
            .map_or(0, |last| last + 1);
        let expected = self.width.unwrap_or(usize::MAX);
        let mut problems = Vec::new();
        // A blank row says nothing, and blanks behind the last column are what Excel leaves there. But a row that
        // breaks off early, before its delimiters, may be half of one.
        if self.width.is_some() && found > 0 && (found > expected || self.record.len() < expected) {
            problems.push(Problem::Uneven { expected, found: found.max(self.record.len().min(expected)) });
        }
        let cells = self.record.iter().take(expected).map(|text| cell(text, &self.limits)).collect();
        Ok(Some(Row { number, cells, problems }))
    }

    fn why(&mut self, error: csv::Error) -> SheetError {
        if self.reader.get_ref().is_spent() {
            return SheetError::RowTooLong { line: self.line, limit: self.limits.row_bytes };
        }
        match error.into_kind() {
            csv::ErrorKind::Io(error) => decode::what(error),
            // The source has changed since it was looked at.
            _ => SheetError::Undecodable { line: self.line, character: 1 },
        }
    }
}

fn cell(text: &str, limits: &Limits) -> Cell {
    if text.len() > limits.cell_chars && text.chars().count() > limits.cell_chars {
        return Cell::Fault(Fault::TooLong { limit: limits.cell_chars });
    }
    Cell::from(unguarded(text))
}
