//! Where the rows go that were not taken: beside the file that they came in.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// So many such files of one file may lie there.
const MOST: u32 = 1_000;

/// Writes `name.errors.csv` beside `name.csv`; what is there already stays, and the new file gets a number.
pub(super) fn write(file: &Path, bytes: &[u8]) -> Result<PathBuf> {
    for number in 1..MOST {
        let path = beside(file, bytes, number);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut out) => {
                out.write_all(bytes).with_context(|| format!("{} cannot be written", path.display()))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be written", path.display())),
        }
    }
    bail!("{} has {MOST} files of errors beside it: remove some", file.display())
}

fn beside(file: &Path, bytes: &[u8], number: u32) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let its_own = file.extension().map(|extension| extension.to_string_lossy().into_owned());
    let workbook = its_own.as_deref().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    // A workbook may come back as a CSV.
    let extension = match its_own {
        Some(extension) if workbook == bytes.starts_with(b"PK") => extension,
        _ if bytes.starts_with(b"PK") => "xlsx".to_owned(),
        _ => "csv".to_owned(),
    };
    let counted = if number == 1 { String::new() } else { format!("-{number}") };
    file.with_file_name(format!("{stem}.errors{counted}.{extension}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn nothing_that_is_there_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("客户.2026.csv");
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name(write(&file, b"one").unwrap()), "客户.2026.errors.csv");
        assert_eq!(name(write(&file, b"two").unwrap()), "客户.2026.errors-2.csv");
        assert_eq!(std::fs::read(folder.path().join("客户.2026.errors.csv")).unwrap(), b"one");
        let book = folder.path().join("book.XLSX");
        assert_eq!(name(write(&book, b"PK..").unwrap()), "book.errors.XLSX");
        assert_eq!(name(write(&book, b"a,b").unwrap()), "book.errors.csv");
    }
}
