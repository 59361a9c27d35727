use crate::cell::Cell;
use crate::error::SheetError;
use crate::values::shown;
use jiff::civil::{DateTime, date};
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::io::Write;
use std::path::Path;

/// As many rows as a sheet has, its header among them.
const ROWS: u32 = 1_048_576;
/// As many characters as a cell has, in UTF-16.
const CHARACTERS: usize = 32_767;

/// Writes a workbook with one sheet, row by row. Rows wait in a temporary file without a name until [`finish`],
/// since a zip tells its sizes; memory holds the row that is written.
///
/// [`finish`]: XlsxWriter::finish
pub struct XlsxWriter<W: Write + Send> {
    out: W,
    book: Workbook,
    next: u32,
    formats: Formats,
}

struct Formats {
    header: Format,
    day: Format,
    moment: Format,
    /// A text that stays one, whatever it begins with and whoever edits it.
    text: Format,
}

impl<W: Write + Send> XlsxWriter<W> {
    /// Begins with the header. The rows wait in `folder`, or where the system keeps such files: say one where
    /// personal data may lie.
    pub fn new(
        out: W,
        folder: Option<&Path>,
        sheet: &str,
        header: &[impl AsRef<str>],
    ) -> Result<Self, SheetError> {
        let mut book = Workbook::new();
        if let Some(folder) = folder {
            book.set_tempdir(folder).map_err(why)?;
        }
        let formats = Formats {
            header: Format::new().set_bold(),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            text: Format::new().set_num_format("@").set_quote_prefix(),
        };
        let page = book.add_worksheet_with_constant_memory().map_err(why)?;
        page.set_name(sheet_name(sheet)).map_err(why)?;
        page.set_freeze_panes(1, 0).map_err(why)?;
        for (column, name) in (0_u16..).zip(header) {
            page.write_string_with_format(0, column, cleaned(name.as_ref())?, &formats.header)
                .map_err(why)?;
        }
        Ok(Self { out, book, next: 1, formats })
    }

    /// Adds a row. Texts are never formulas; numbers and dates are cells of their kind.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a Cell>) -> Result<(), SheetError> {
        if self.next >= ROWS {
            return Err(SheetError::TooMuchForXlsx { what: "the number of rows", limit: ROWS.into() });
        }
        let page = self.book.worksheet_from_index(0).map_err(why)?;
        for (column, cell) in (0_u16..).zip(cells) {
            put(page, &self.formats, self.next, column, cell)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Writes the file and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, SheetError> {
        self.book.save_to_writer(&mut self.out).map_err(why)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn put(
    page: &mut Worksheet,
    formats: &Formats,
    row: u32,
    column: u16,
    cell: &Cell,
) -> Result<(), SheetError> {
    match cell {
        Cell::Empty | Cell::Covered { .. } => return Ok(()),
        Cell::Bool(yes) => page.write_boolean(row, column, *yes),
        Cell::Number(number) if number.normalize().mantissa().unsigned_abs() < 1_000_000_000_000_000 => {
            page.write_number(row, column, number.to_f64().unwrap_or_default())
        }
        Cell::Moment(moment) => match days(*moment) {
            Some(days) if days.fract() == 0.0 => {
                page.write_number_with_format(row, column, days, &formats.day)
            }
            Some(days) => page.write_number_with_format(row, column, days, &formats.moment),
            None => page.write_string_with_format(row, column, shown(cell), &formats.text),
        },
        // Of a longer number a spreadsheet would keep the beginning only.
        Cell::Number(_) | Cell::Fault(_) => {
            page.write_string_with_format(row, column, shown(cell), &formats.text)
        }
        Cell::Text(text) => page.write_string_with_format(row, column, cleaned(text)?, &formats.text),
    }
    .map_err(why)?;
    Ok(())
}

/// Days since 1899-12-30, for the days that spreadsheets count without a mistake.
fn days(moment: DateTime) -> Option<f64> {
    let since = moment.duration_since(date(1899, 12, 30).at(0, 0, 0, 0)).as_secs_f64() / 86_400.0;
    (since >= 61.0).then_some(since)
}

fn cleaned(text: &str) -> Result<String, SheetError> {
    if text.len() > CHARACTERS && text.encode_utf16().count() > CHARACTERS {
        return Err(SheetError::TooMuchForXlsx { what: "a cell's length", limit: CHARACTERS as u64 });
    }
    Ok(text.chars().filter(|c| *c != '\0').collect())
}

/// What Excel takes as a sheet's name: 31 characters, without some.
fn sheet_name(name: &str) -> String {
    let name: String =
        name.chars().filter(|c| !"[]:*?/\\'".contains(*c) && !c.is_control()).take(31).collect();
    if name.trim().is_empty() { "Sheet1".to_owned() } else { name }
}

fn why(error: XlsxError) -> SheetError {
    match error {
        XlsxError::IoError(error) => SheetError::Io(error),
        XlsxError::RowColumnLimitError => {
            SheetError::TooMuchForXlsx { what: "the number of columns", limit: 16_384 }
        }
        other => SheetError::Io(std::io::Error::other(other)),
    }
}
