//! A workbook's rows wait in a file until all are there.

use std::path::Path;

/// A folder whose files are never on a disk, where the machine has one: for rows that may not be there in clear.
pub fn in_memory() -> Option<&'static Path> {
    Some(Path::new("/dev/shm")).filter(|folder| folder.is_dir())
}
