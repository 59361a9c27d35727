use std::fmt;

/// How a text file writes its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8 {
        /// Whether it begins with a byte order mark, which Excel wants.
        bom: bool,
    },
    /// GB18030, with GBK and GB2312 as parts of it: what Chinese Excel writes as CSV.
    Gb18030,
    /// UTF-16, little end first, with a byte order mark: Excel's "Unicode text".
    Utf16Le,
    /// UTF-16, big end first, with a byte order mark.
    Utf16Be,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 { .. } => "UTF-8",
            Self::Gb18030 => "GB18030",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
        })
    }
}

/// Why a file cannot be read or written as a table. Says where, and never what stood there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// Nothing but blanks.
    #[error("the file has no header line: put the columns' names into the first row")]
    Empty,
    /// The old Excel format, or an XLSX with a password: both are the same kind of container.
    #[error("the file is an old XLS or protected by a password: save it as XLSX without a password")]
    OldOrProtected,
    /// A zip that is no workbook.
    #[error("the file is a zip but no XLSX workbook: save it as XLSX or CSV")]
    NotAWorkbook,
    /// Bytes that no known encoding has.
    #[error(
        "line {line}, character {character}: neither UTF-8 nor GB18030: save the file as CSV UTF-8 or XLSX"
    )]
    Undecodable {
        /// Line, from 1.
        line: u64,
        /// Character in the line, from 1.
        character: u64,
    },
    /// Parts of the file are written in different encodings.
    #[error("line {line} is {found}, while line {other_line} is {other}: save the whole file as CSV UTF-8")]
    MixedEncodings {
        /// The later line, from 1.
        line: u64,
        /// Its encoding.
        found: Encoding,
        /// The earlier line.
        other_line: u64,
        /// The earlier line's encoding.
        other: Encoding,
    },
    /// A NUL, which no table has.
    #[error("line {line} has a NUL byte: this is no CSV; save the table as CSV UTF-8 or XLSX")]
    Nul {
        /// Line, from 1.
        line: u64,
    },
    /// More columns than the limit.
    #[error("the header has {found} columns, at most {limit} are read: remove those that are not needed")]
    TooManyColumns {
        /// As many as were found.
        found: usize,
        /// As many as are read.
        limit: usize,
    },
    /// A row beyond any reason.
    #[error("the row at line {line} is longer than {limit} bytes: look for a quote (\") that is not closed")]
    RowTooLong {
        /// The line that the row begins with, from 1.
        line: u64,
        /// Bytes.
        limit: usize,
    },
    /// A workbook that would unpack to more than is held or read.
    #[error("the workbook is refused: {what} is over {limit}: save the table alone as a new file")]
    Bomb {
        /// What is over its limit.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A workbook that contradicts itself or breaks off.
    #[error(
        "the workbook is damaged ({what}), after row {row}: open it in a spreadsheet program and save it anew"
    )]
    Damaged {
        /// What does not fit.
        what: &'static str,
        /// The last row that was read, 0 before the first.
        row: u64,
    },
    /// A row that the format cannot hold.
    #[error("{what} is more than XLSX holds ({limit}): write CSV, or less")]
    TooMuchForXlsx {
        /// What is too much.
        what: &'static str,
        /// As much as there can be.
        limit: u64,
    },
    /// The medium failed.
    #[error("the file could not be read or written")]
    Io(#[from] std::io::Error),
}
