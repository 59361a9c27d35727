//! Bytes to UTF-8 as they are read, and no more of them than a row may have.

use super::super::Source;
use crate::error::{Encoding, SheetError};
use crate::limits::Limits;
use encoding_rs::{Decoder, DecoderResult, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

const CHUNK: usize = 64 << 10;

/// A source's text. What cannot be decoded is an error that [`what`] takes out again.
pub(super) struct Decoded {
    source: Box<dyn Source>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    undecoded: std::ops::Range<usize>,
    ended: bool,
    text: Vec<u8>,
    /// What of `text` is not given yet.
    given: usize,
    /// Where `text` ends: line from 1, characters in it.
    line: u64,
    character: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrapped(SheetError);

/// The error that stopped the decoding.
pub(super) fn what(error: io::Error) -> SheetError {
    match error.downcast::<Wrapped>() {
        Ok(Wrapped(error)) => error,
        Err(error) => SheetError::Io(error),
    }
}

impl Decoded {
    pub(super) fn new(source: Box<dyn Source>, encoding: Encoding) -> Self {
        let encoding = match encoding {
            Encoding::Utf8 { .. } => UTF_8,
            Encoding::Gb18030 => GB18030,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
        };
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK],
            undecoded: 0..0,
            ended: false,
            text: Vec::new(),
            given: 0,
            line: 1,
            character: 0,
        }
    }

    /// The beginning, at most as long as a row may be, with its first full line where there is one; it is given again.
    pub(super) fn peek(&mut self, limits: &Limits) -> Result<&str, SheetError> {
        loop {
            let text = String::from_utf8_lossy(&self.text);
            let has_line = text.trim_start().contains('\n');
            if has_line || self.text.len() >= limits.row_bytes || !self.more().map_err(what)? {
                break;
            }
        }
        // Chunks of text end with whole characters.
        Ok(std::str::from_utf8(&self.text).unwrap_or_default())
    }

    /// Decodes some more behind what is there; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        if self.undecoded.is_empty() {
            if self.ended {
                return Ok(false);
            }
            let read = loop {
                match self.source.read(&mut self.raw) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.ended = read == 0;
            self.undecoded = 0..read;
        }
        let from = self.text.len();
        // GB18030 grows by half at most, UTF-16 too; the decoder goes on where the room ends.
        self.text.resize(from + 2 * CHUNK, 0);
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.raw[self.undecoded.clone()],
            &mut self.text[from..],
            self.ended,
        );
        self.text.truncate(from + written);
        self.undecoded.start += read;
        self.pass(from)?;
        if let DecoderResult::Malformed(..) = result {
            let error = SheetError::Undecodable { line: self.line, character: self.character + 1 };
            return Err(io::Error::other(Wrapped(error)));
        }
        Ok(true)
    }

    /// Counts lines, and refuses a NUL.
    fn pass(&mut self, from: usize) -> io::Result<()> {
        let mut fresh = &self.text[from..];
        let nul = fresh.contains(&0);
        while let Some(end) = fresh.iter().position(|byte| *byte == b'\n' || (nul && *byte == 0)) {
            if fresh[end] == 0 {
                return Err(io::Error::other(Wrapped(SheetError::Nul { line: self.line })));
            }
            self.line += 1;
            self.character = 0;
            fresh = &fresh[end + 1..];
        }
        self.character += std::str::from_utf8(fresh).map_or(0, |text| text.chars().count() as u64);
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            self.text.clear();
            self.given = 0;
            if !self.more()? {
                return Ok(0);
            }
        }
        let length = buffer.len().min(self.text.len() - self.given);
        buffer[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

/// A reader that gives no more than it is allowed, so that what is behind it cannot collect without end.
///
/// It ends the last row where the file does not, so that every row is counted alike.
pub(super) struct Metered<R> {
    inner: R,
    left: usize,
    spent: bool,
    end: u8,
    last: u8,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, end: u8) -> Self {
        Self { inner, left: 0, spent: false, end, last: end }
    }

    /// Allows so many bytes from here on.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Whether more was asked than allowed.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            self.spent = true;
            return Err(io::Error::other("the row is too long"));
        }
        let length = buffer.len().min(self.left);
        let mut read = self.inner.read(&mut buffer[..length])?;
        if read > 0 {
            self.last = buffer[read - 1];
        } else if let (true, Some(first)) = (self.last != self.end, buffer.first_mut()) {
            (*first, self.last, read) = (self.end, self.end, 1);
        }
        self.left -= read;
        Ok(read)
    }
}
