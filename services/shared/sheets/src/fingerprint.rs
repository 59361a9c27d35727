use crate::cell::Cell;
use crate::values::plain_text;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// A row's content in 32 bytes: the same fields with the same values have the same, in whatever order the columns
/// stand, in CSV as in XLSX. So a file that comes again is known row by row, and changes nothing.
///
/// The bytes are stored by callers, so the way they are made never changes; another way gets another mark.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// Says how the bytes are made.
const MARK: &[u8] = b"foursight-sheets row 1";

impl Fingerprint {
    /// Of a row, given as field keys with their cells. Blank cells count as absent: a column that is added and left
    /// empty changes nothing.
    pub fn of<'a>(row: impl IntoIterator<Item = (&'a str, &'a Cell)>) -> Self {
        let mut fields: Vec<(&str, String)> =
            row.into_iter().filter_map(|(key, cell)| Some((key, canonical(cell)?))).collect();
        fields.sort_unstable();
        let mut digest = Context::new(&SHA256);
        digest.update(MARK);
        for (key, value) in &fields {
            // Lengths first, so that nothing can move from a key to a value or from a field to the next.
            for part in [key.as_bytes(), value.as_bytes()] {
                digest.update(&(part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.finish().as_ref());
        Self(bytes)
    }

    /// For storing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A number is the same however it is kept, a text however wide its letters are.
fn canonical(cell: &Cell) -> Option<String> {
    let text = match cell {
        Cell::Empty | Cell::Covered { .. } => return None,
        Cell::Text(text) => plain_text(text),
        Cell::Number(number) => number.normalize().to_string(),
        Cell::Moment(moment) => moment.to_string(),
        Cell::Bool(yes) => yes.to_string(),
        Cell::Fault(fault) => format!("\u{0}{fault}"),
    };
    (!text.is_empty()).then_some(text)
}
