use super::{CsvStyle, CsvWriter, XlsxWriter};
use crate::cell::{Cell, Row};
use crate::error::SheetError;
use crate::read::{Format, Table};
use std::io::Write;
use std::path::Path;

/// The rows that could not be taken, given back as a file of the same kind, with the reason in a last column. Who
/// mends them sends that file in: the same header is recognised, and the reasons are written anew.
pub struct Returned<W: Write + Send> {
    writer: Writer<W>,
    columns: usize,
}

enum Writer<W: Write + Send> {
    Csv(Box<CsvWriter<W>>),
    Xlsx(Box<XlsxWriter<W>>),
}

impl<W: Write + Send> Returned<W> {
    /// Begins a file like the one that came: its encoding, its delimiter, its header, and one more column with this
    /// name. A last column that has the name already is the one of the time before. For `folder` see [`XlsxWriter`].
    pub fn like(table: &Table, out: W, folder: Option<&Path>, reason: &str) -> Result<Self, SheetError> {
        let mut header = table.header().to_vec();
        header.pop_if(|last| last == reason);
        let columns = header.len();
        header.push(reason.to_owned());
        let writer = match table.format() {
            Format::Csv { encoding, delimiter } => {
                let style = CsvStyle { encoding: *encoding, delimiter: *delimiter };
                Writer::Csv(Box::new(CsvWriter::new(out, style, &header)?))
            }
            Format::Xlsx { sheet } => Writer::Xlsx(Box::new(XlsxWriter::new(out, folder, sheet, &header)?)),
        };
        Ok(Self { writer, columns })
    }

    /// Adds a row with what is wrong with it.
    pub fn row(&mut self, row: &Row, reason: &str) -> Result<(), SheetError> {
        let reason = Cell::from(reason);
        let cells =
            row.cells.iter().chain(std::iter::repeat(&Cell::Empty)).take(self.columns).chain([&reason]);
        match &mut self.writer {
            Writer::Csv(writer) => writer.row(cells),
            Writer::Xlsx(writer) => writer.row(cells),
        }
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(self) -> Result<W, SheetError> {
        match self.writer {
            Writer::Csv(writer) => writer.finish(),
            Writer::Xlsx(writer) => writer.finish(),
        }
    }
}
