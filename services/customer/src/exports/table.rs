//! The writer of an export: rows in, pieces of the file out.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use foursight_proto::customer::v1::ExportFormat;
use foursight_sheets::{
    Cell, SheetError,
    write::{CsvStyle, CsvWriter, XlsxWriter, in_memory},
};

/// Bytes that are written and not yet taken.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// What was written since the last time.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being written.
pub(super) enum Table {
    Csv(Box<CsvWriter<Written>>),
    Xlsx(Box<XlsxWriter<Written>>),
}

impl Table {
    /// Begins with the header.
    ///
    /// # Errors
    /// When there is no room for a workbook's rows.
    pub(super) fn begin(format: ExportFormat, out: Written, header: &[&str]) -> Result<Self, SheetError> {
        Ok(match format {
            ExportFormat::Xlsx => {
                // Nothing of a file is ever on disk in clear.
                let folder = in_memory().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported));
                Self::Xlsx(Box::new(XlsxWriter::new(
                    out,
                    Some(folder.map_err(SheetError::Io)?),
                    "customers",
                    header,
                )?))
            }
            ExportFormat::Csv | ExportFormat::Unspecified => {
                Self::Csv(Box::new(CsvWriter::new(out, CsvStyle::default(), header)?))
            }
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When they are too many for a workbook, or there is no room.
    pub(super) fn rows(&mut self, rows: &[Vec<Cell>]) -> Result<(), SheetError> {
        rows.iter().try_for_each(|row| match self {
            Self::Csv(table) => table.row(row),
            Self::Xlsx(table) => table.row(row),
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// As of [`Table::rows`].
    pub(super) fn finish(self) -> Result<(), SheetError> {
        match self {
            Self::Csv(table) => table.finish().map(drop),
            Self::Xlsx(table) => table.finish().map(drop),
        }
    }
}
