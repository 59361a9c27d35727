use super::formula::guarded;
use crate::cell::Cell;
use crate::error::{Encoding, SheetError};
use crate::values::shown;
use csv::{QuoteStyle, Terminator, WriterBuilder};
use encoding_rs::GB18030;
use std::io::{self, Write};

/// How a CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvStyle {
    /// How its characters are written.
    pub encoding: Encoding,
    /// What parts its cells.
    pub delimiter: u8,
}

impl Default for CsvStyle {
    /// What every Excel opens by a double click: UTF-8 with a byte order mark, and commas.
    fn default() -> Self {
        Self { encoding: Encoding::Utf8 { bom: true }, delimiter: b',' }
    }
}

/// Writes a CSV, row by row.
pub struct CsvWriter<W: Write> {
    rows: csv::Writer<Encoded<W>>,
}

impl<W: Write> CsvWriter<W> {
    /// Begins with the header.
    pub fn new(out: W, style: CsvStyle, header: &[impl AsRef<str>]) -> Result<Self, SheetError> {
        let out = Encoded::begin(out, style.encoding)?;
        let rows = WriterBuilder::new()
            .delimiter(style.delimiter)
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .flexible(true)
            .from_writer(out);
        let mut writer = Self { rows };
        writer.texts(header.iter().map(|name| name.as_ref().to_owned()))?;
        Ok(writer)
    }

    /// Adds a row. Texts that look like formulas are guarded, numbers stay numbers, and control characters that no
    /// table has are left out.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a Cell>) -> Result<(), SheetError> {
        self.texts(cells.into_iter().map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            other => shown(other),
        }))
    }

    fn texts(&mut self, texts: impl Iterator<Item = String>) -> Result<(), SheetError> {
        for text in texts {
            let text = if text.contains('\0') { text.replace('\0', "") } else { text };
            self.rows.write_field(guarded(&text).as_bytes()).map_err(why)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(why)
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(self) -> Result<W, SheetError> {
        let out = self.rows.into_inner().map_err(|error| SheetError::Io(error.into_error()))?;
        let mut out = out.out;
        out.flush()?;
        Ok(out)
    }
}

fn why(error: csv::Error) -> SheetError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => SheetError::Io(error),
        _ => SheetError::Io(io::ErrorKind::InvalidData.into()),
    }
}

/// Takes UTF-8 and writes another encoding. Each of them has every character, but for one of private use (U+E5E5) that
/// GB18030 has not.
struct Encoded<W> {
    out: W,
    encoding: Encoding,
    /// The beginning of a character whose rest is to come.
    rest: Vec<u8>,
}

impl<W: Write> Encoded<W> {
    fn begin(mut out: W, encoding: Encoding) -> io::Result<Self> {
        out.write_all(match encoding {
            Encoding::Utf8 { bom: true } => &[0xef, 0xbb, 0xbf],
            Encoding::Utf8 { bom: false } | Encoding::Gb18030 => &[],
            Encoding::Utf16Le => &[0xff, 0xfe],
            Encoding::Utf16Be => &[0xfe, 0xff],
        })?;
        Ok(Self { out, encoding, rest: Vec::new() })
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        match self.encoding {
            Encoding::Utf8 { .. } => self.out.write_all(text.as_bytes()),
            Encoding::Gb18030 => self.out.write_all(&GB18030.encode(text).0),
            Encoding::Utf16Le => {
                self.out.write_all(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
            }
            Encoding::Utf16Be => {
                self.out.write_all(&text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())
            }
        }
    }
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.encoding, Encoding::Utf8 { .. }) {
            return self.out.write(bytes);
        }
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let good = std::str::from_utf8(&all).map_or_else(|error| error.valid_up_to(), str::len);
        self.rest = all.split_off(good);
        self.put(std::str::from_utf8(&all).unwrap_or_default())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
