//! What a workbook would unpack to, learnt before anything of it is kept.
//!
//! First the zip's directory is asked, which costs nothing; then, since a directory can lie, every part is unpacked
//! once into nothing. Only what holds both is given to the library that reads cells.

use super::scan::Scan;
use crate::error::SheetError;
use crate::limits::Limits;
use std::io::{Read, Seek};
use zip::ZipArchive;
use zip::result::ZipError;

/// Below this many bytes no ratio is a threat, and blank templates have high ones.
const SMALL: u64 = 1 << 20;
const CHUNK: usize = 64 << 10;

/// Checks the workbook, and says how many groups of merged cells it has.
pub(super) fn check(source: impl Read + Seek, limits: &Limits) -> Result<usize, SheetError> {
    let mut zip = ZipArchive::new(source).map_err(why)?;
    if zip.len() > limits.parts {
        return Err(SheetError::Bomb { what: "the number of its parts", limit: limits.parts as u64 });
    }
    let mut declared: u64 = 0;
    for index in 0..zip.len() {
        let part = zip.by_index_raw(index).map_err(why)?;
        if part.encrypted() {
            return Err(SheetError::OldOrProtected);
        }
        declared = declared.saturating_add(part.size());
        if part.size() > SMALL && part.size() / part.compressed_size().max(1) > limits.ratio {
            return Err(SheetError::Bomb { what: "how far a part unpacks", limit: limits.ratio });
        }
    }
    let mut total = Total { left: limits.unpacked_bytes, limits, merged: 0 };
    if declared > total.left {
        return Err(total.over());
    }
    let mut is_workbook = false;
    for index in 0..zip.len() {
        let mut part = zip.by_index(index).map_err(why)?;
        is_workbook |= part.name().map_err(why)?.eq_ignore_ascii_case("[Content_Types].xml");
        let size = part.size();
        total.unpack(&mut part, size)?;
    }
    if is_workbook { Ok(total.merged) } else { Err(SheetError::NotAWorkbook) }
}

struct Total<'a> {
    left: u64,
    limits: &'a Limits,
    merged: usize,
}

impl Total<'_> {
    fn over(&self) -> SheetError {
        SheetError::Bomb { what: "its size when unpacked", limit: self.limits.unpacked_bytes }
    }

    fn unpack(&mut self, part: &mut impl Read, size: u64) -> Result<(), SheetError> {
        let mut scan = Scan::default();
        let mut buffer = vec![0; CHUNK];
        let mut unpacked = 0;
        loop {
            let read = match part.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // Broken compression and a wrong checksum come this way; the medium's own errors as well.
                Err(_) => return Err(SheetError::Damaged { what: "a part cannot be unpacked", row: 0 }),
            };
            unpacked += read as u64;
            self.left = self.left.checked_sub(read as u64).ok_or_else(|| self.over())?;
            if unpacked > size {
                return Err(SheetError::Damaged { what: "a part is larger than the directory says", row: 0 });
            }
            scan.take(&buffer[..read]).map_err(|what| SheetError::Damaged { what, row: 0 })?;
            if unpacked > self.limits.held_bytes && !scan.is_streamed() {
                return Err(SheetError::Bomb {
                    what: "a part besides the rows",
                    limit: self.limits.held_bytes,
                });
            }
        }
        if unpacked != size {
            return Err(SheetError::Damaged { what: "a part is smaller than the directory says", row: 0 });
        }
        self.merged += scan.merged();
        if self.merged > self.limits.merged {
            let limit = self.limits.merged as u64;
            return Err(SheetError::Bomb { what: "the number of merged cells", limit });
        }
        // A table of strings says how much room to make for it, before there is anything.
        if scan.room() > unpacked {
            return Err(SheetError::Damaged { what: "more strings are announced than fit", row: 0 });
        }
        Ok(())
    }
}

fn why(error: ZipError) -> SheetError {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => SheetError::Io(error),
        ZipError::UnsupportedArchive(_) => SheetError::NotAWorkbook,
        _ => SheetError::Damaged { what: "the zip is broken or breaks off", row: 0 },
    }
}
