//! Looks through an XML part byte by byte, without keeping it: what a parser would have to hold at once of it.

/// Bytes between the beginnings of two cells: 32,767 characters, each written as a reference (`&#128512;`), and the
/// markup of rich text around them.
const CELL: usize = 512 << 10;
/// Bytes of one tag. Those of worksheets have some dozens.
const TAG: usize = 64 << 10;
/// How deep tags stand in one another. In worksheets it is less than ten.
const DEPTH: usize = 64;
/// Bytes of a tag that are kept to be looked at.
const KEPT: usize = 1 << 10;

/// The format allows UTF-16 as well, but programs write UTF-8; in anything else the tags would be read otherwise than
/// they are counted here.
const OTHER_ENCODING: &str = "a part is not in UTF-8";

/// The state between two pieces of a part.
#[derive(Default)]
pub(super) struct Scan {
    state: State,
    tag: Vec<u8>,
    tag_length: usize,
    /// The byte before the last piece's last: `/` in `<c/>`.
    before: [u8; 2],
    began: bool,
    /// Bytes since a cell or a row began.
    since: usize,
    depth: usize,
    root: Root,
    in_rows: bool,
    merged: usize,
    room: u64,
}

#[derive(Default)]
enum State {
    #[default]
    Text,
    Tag,
    Quoted(u8),
}

#[derive(Default, PartialEq)]
enum Root {
    #[default]
    Unknown,
    Worksheet,
    Other,
}

impl Scan {
    /// Looks at the next piece. An error says what is wrong with it.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        if !self.began && !bytes.is_empty() {
            self.began = true;
            if bytes
                .iter()
                .take(4)
                .copied()
                .collect::<Vec<_>>()
                .windows(2)
                .any(|two| matches!(two, [b'<', 0] | [0, b'<']))
            {
                return Err(OTHER_ENCODING);
            }
        }
        while !bytes.is_empty() && self.root != Root::Other {
            let (length, found) = match self.state {
                State::Text => until(bytes, |byte| byte == b'<'),
                State::Tag => until(bytes, |byte| matches!(byte, b'>' | b'"' | b'\'' | b'<')),
                State::Quoted(quote) => until(bytes, |byte| byte == quote),
            };
            let (piece, rest) = bytes.split_at(length);
            self.since += length;
            if self.since > CELL {
                return self.refuse("a cell is too long");
            }
            match self.state {
                State::Text if found => self.begin_tag(),
                State::Text => {}
                _ => self.go_on(piece, found)?,
            }
            bytes = rest;
        }
        // What is not read row by row is held as a whole anyway, and bounded as a whole.
        Ok(())
    }

    fn begin_tag(&mut self) {
        self.state = State::Tag;
        self.tag.clear();
        self.tag_length = 0;
    }

    fn go_on(&mut self, piece: &[u8], found: bool) -> Result<(), &'static str> {
        let room = KEPT.saturating_sub(self.tag.len());
        self.tag.extend_from_slice(&piece[..piece.len().min(room)]);
        self.tag_length += piece.len();
        self.before = match piece {
            [.., one, two] => [*one, *two],
            [two] => [self.before[1], *two],
            [] => self.before,
        };
        if self.tag_length > TAG {
            return self.refuse("a tag is too long");
        }
        if !found {
            return Ok(());
        }
        match (&self.state, piece.last()) {
            (State::Tag, Some(b'>')) => {
                self.state = State::Text;
                return self.tag();
            }
            (State::Tag, Some(b'<')) => return self.refuse("a tag begins within a tag"),
            (State::Tag, Some(quote)) => self.state = State::Quoted(*quote),
            _ => self.state = State::Tag,
        }
        Ok(())
    }

    /// A part that is no worksheet may be as odd as it likes.
    fn refuse(&mut self, why: &'static str) -> Result<(), &'static str> {
        if self.root == Root::Worksheet {
            return Err(why);
        }
        self.root = Root::Other;
        Ok(())
    }

    fn tag(&mut self) -> Result<(), &'static str> {
        let tag = std::mem::take(&mut self.tag);
        let done = self.look(&tag);
        self.tag = tag;
        done
    }

    fn look(&mut self, tag: &[u8]) -> Result<(), &'static str> {
        match tag.first() {
            Some(b'?') => return if is_utf8(tag) { Ok(()) } else { Err(OTHER_ENCODING) },
            // No spreadsheet program writes any; what they hide would be read otherwise than it is counted here.
            Some(b'!') => return self.refuse("comments, CDATA or declarations stand among its cells"),
            _ => {}
        }
        let closing = tag.first() == Some(&b'/');
        let name = local_name(tag);
        if self.root == Root::Unknown {
            match name {
                b"worksheet" => self.root = Root::Worksheet,
                // Of the table of strings only its beginning says anything.
                b"sst" => (self.room, self.root) = (announced(tag), Root::Other),
                _ => self.root = Root::Other,
            }
        }
        if self.root == Root::Other {
            return Ok(());
        }
        match name {
            b"sheetData" => self.in_rows = !closing,
            b"mergeCell" if !closing => self.merged += 1,
            b"sst" | b"si" | b"xf" | b"numFmt" | b"sheet" | b"definedName" | b"Relationship" => {
                return Err("a sheet has what belongs to other parts");
            }
            _ => {}
        }
        if !self.in_rows || matches!(name, b"c" | b"row") {
            self.since = 0;
        }
        if closing {
            self.depth = self.depth.saturating_sub(1);
        } else if self.before[0] != b'/' {
            self.depth += 1;
        }
        if self.depth > DEPTH { Err("its tags stand too deep in one another") } else { Ok(()) }
    }

    /// Whether it is read row by row.
    pub(super) fn is_streamed(&self) -> bool {
        self.root == Root::Worksheet
    }

    /// Groups of merged cells.
    pub(super) fn merged(&self) -> usize {
        self.merged
    }

    /// As many strings as it announces.
    pub(super) fn room(&self) -> u64 {
        self.room
    }
}

/// As many bytes as come up to the wanted one, itself included, and whether it came.
fn until(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> (usize, bool) {
    bytes.iter().position(|byte| wanted(*byte)).map_or((bytes.len(), false), |at| (at + 1, true))
}

fn local_name(tag: &[u8]) -> &[u8] {
    let tag = tag.strip_prefix(b"/").unwrap_or(tag);
    let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
    let name = &tag[..end.unwrap_or(tag.len())];
    name.iter().position(|byte| *byte == b':').map_or(name, |colon| &name[colon + 1..])
}

fn is_utf8(declaration: &[u8]) -> bool {
    let declaration = String::from_utf8_lossy(declaration).to_ascii_lowercase();
    !declaration.contains("encoding") || declaration.contains("utf-8") || declaration.contains("utf8")
}

/// The attribute `uniqueCount`; the most there can be when it is no number.
fn announced(tag: &[u8]) -> u64 {
    let tag = String::from_utf8_lossy(tag);
    let Some((_, rest)) = tag.split_once("uniqueCount") else { return 0 };
    let digits = rest.trim_start_matches(['=', '"', '\'', ' ', '\t', '\r', '\n', '+']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn scan(parts: &[&str]) -> Result<Scan, &'static str> {
        let mut scan = Scan::default();
        for part in parts {
            // In small pieces, so that every state is left and entered in the middle of things.
            for piece in part.as_bytes().chunks(7) {
                scan.take(piece)?;
            }
        }
        Ok(scan)
    }

    #[test]
    fn a_plain_sheet_passes_and_its_merged_cells_are_counted() {
        let found = scan(&[
            "<?xml version=\"1.0\"?><x:worksheet xmlns:x='a>b'><x:sheetData><x:row><x:c r=\"A1\"><x:v>1</x:v></x:c>",
            "</x:row></x:sheetData><x:mergeCells count=\"2\"><x:mergeCell ref=\"A1:B2\"/><x:mergeCell ref=\"C1:D2\"/>",
            "</x:mergeCells></x:worksheet>",
        ])
        .expect("passes");
        assert_eq!(found.merged(), 2);
        assert!(found.is_streamed());
    }

    #[test]
    fn what_a_parser_would_have_to_hold_is_refused() {
        let sheet = "<worksheet><sheetData><row><c r=\"A1\" t=\"str\"><v>";
        let long = "x".repeat(CELL);
        let many = "&amp;".repeat(CELL / 5 + 1);
        let runs = "<r><t>abc</t></r>".repeat(CELL / 17 + 1);
        let attribute = format!("<c r=\"{}\"/>", ">".repeat(TAG + 1));
        let deep = "<a>".repeat(DEPTH + 1);
        for hostile in [&long, &many, &runs, &attribute, &deep] {
            assert!(scan(&[sheet, hostile]).is_err());
        }
        for hostile in ["<![CDATA[", "<!-- ", "<sst>"] {
            assert!(scan(&[sheet, hostile, ">"]).is_err(), "{hostile}");
        }
    }

    #[test]
    fn what_is_not_in_utf8_is_refused_as_it_would_be_counted_wrongly() {
        assert!(scan(&["<?xml version='1.0' encoding='ISO-2022-JP'?><worksheet/>"]).is_err());
        assert!(scan(&["\u{feff}<?xml version='1.0' encoding='utf-8'?><worksheet/>"]).is_ok());
        assert!(Scan::default().take(b"\xff\xfe<\0s\0s\0t\0").is_err());
    }

    #[test]
    fn a_table_of_strings_says_how_much_it_announces() {
        assert_eq!(scan(&["<sst count=\"9\" uniqueCount = \"12\"><si/></sst>"]).expect("passes").room(), 12);
        assert_eq!(scan(&["<sst uniqueCount='99999999999999999999999'>"]).expect("passes").room(), u64::MAX);
    }
}
