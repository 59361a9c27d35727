/// How much of a file is taken in. What is over a limit is refused or reported, never read into memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Columns of a table. Nobody fills in more by hand; a file with more is usually none of ours.
    pub columns: usize,
    /// Bytes of one row as it stands in the file, its quoted line breaks included. A quote that is never closed
    /// makes the rest of the file one row.
    pub row_bytes: usize,
    /// Characters of one cell: Excel's own limit.
    pub cell_chars: usize,
    /// Parts in an XLSX, which is a zip.
    pub parts: usize,
    /// Bytes of all parts together, unpacked.
    pub unpacked_bytes: u64,
    /// Bytes of a part that has to be held in memory, unpacked: shared strings and styles.
    pub held_bytes: u64,
    /// Times that a part may be larger unpacked than packed, once it is larger than 1 MiB. Spreadsheets of real
    /// rows come to 10 to 40; a bomb to 1000.
    pub ratio: u64,
    /// Groups of merged cells.
    pub merged: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            columns: 256,
            row_bytes: 1 << 20,
            cell_chars: 32_767,
            parts: 2_000,
            unpacked_bytes: 1 << 30,
            held_bytes: 64 << 20,
            ratio: 200,
            merged: 20_000,
        }
    }
}
