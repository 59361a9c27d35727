//! Text with delimiters.

mod decode;
mod detect;

use super::{Format, Opened, Source};
use crate::cell::{Cell, Fault, Problem, Row};
use crate::error::SheetError;
use crate::limits::Limits;
use crate::write::unguarded;
use csv::{ReaderBuilder, StringRecord, Terminator};
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
    /// What ends a row: `\n`, or `\r` alone as Macs once wrote it.
    end: u8,
    /// The line that the last row began with.
    line: u64,
}

pub(super) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Opened, SheetError> {
    let encoding = detect::encoding(&mut source, limits)?;
    source.seek(SeekFrom::Start(0))?;
    let mut decoded = Decoded::new(source, encoding);
    let start = decoded.peek(limits)?;
    let delimiter = detect::delimiter(start);
    let end = if start.contains('\r') && !start.contains('\n') { b'\r' } else { b'\n' };
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(end))
        .delimiter(delimiter)
        .buffer_capacity(AHEAD)
        .from_reader(Metered::new(decoded, end));
    let mut rows =
        Rows { reader, record: StringRecord::new(), limits: limits.clone(), width: None, end, line: 0 };
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
        // The parser says where it stands; blank lines that it passed over and line breaks in cells lie before.
        let within = self.record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
        let begun = self.reader.position().line().saturating_sub(1 + within);
        let number = if self.end == b'\n' { begun.max(self.line + 1) } else { self.line + 1 };
        self.line = number;
        if self.record.as_slice().len() > self.limits.row_bytes {
            return Err(SheetError::RowTooLong { line: number, limit: self.limits.row_bytes });
        }
        let last = self.record.len().saturating_sub(1);
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
        let cells = self.record.iter().take(expected).enumerate().map(|(at, text)| {
            // Of `\r\n` the first stands in the last cell.
            cell(if at == last { text.strip_suffix('\r').unwrap_or(text) } else { text }, &self.limits)
        });
        let cells = cells.collect();
        Ok(Some(Row { number, cells, problems }))
    }

    fn why(&mut self, error: csv::Error) -> SheetError {
        if self.reader.get_ref().is_spent() {
            return SheetError::RowTooLong { line: self.line + 1, limit: self.limits.row_bytes };
        }
        match error.into_kind() {
            csv::ErrorKind::Io(error) => decode::what(error),
            // The source has changed since it was looked at.
            _ => SheetError::Undecodable { line: self.line + 1, character: 1 },
        }
    }
}

fn cell(text: &str, limits: &Limits) -> Cell {
    if text.len() > limits.cell_chars && text.chars().count() > limits.cell_chars {
        return Cell::Fault(Fault::TooLong { limit: limits.cell_chars });
    }
    Cell::from(unguarded(text))
}
