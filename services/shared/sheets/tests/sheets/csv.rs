//! CSV as people's programs write it.

use crate::common::{rows, table};
use encoding_rs::GB18030;
use foursight_sheets::{Cell, Encoding, Fault, Format, Limits, Problem, SheetError, open};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PLAIN: &str = "姓名,手机号\n李四,13800138000\n王五,13900139000\n";

fn texts(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(|cell| if let Cell::Text(text) = cell { text.as_str() } else { "" }).collect()
}

fn gb(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn the_same_table_is_read_from_every_encoding() {
    let bom = ["\u{feff}", PLAIN].concat();
    for (bytes, encoding) in [
        (PLAIN.as_bytes().to_vec(), Encoding::Utf8 { bom: false }),
        (bom.into_bytes(), Encoding::Utf8 { bom: true }),
        (gb(PLAIN), Encoding::Gb18030),
        (utf16(PLAIN, false), Encoding::Utf16Le),
        (utf16(PLAIN, true), Encoding::Utf16Be),
    ] {
        let table = table(bytes).expect("opens");
        assert_eq!(table.format(), &Format::Csv { encoding, delimiter: b',' });
        assert_eq!(table.header(), ["姓名", "手机号"]);
        let rows: Vec<_> = table.map(|row| row.expect("a row")).collect();
        assert_eq!(texts(&rows[0].cells), ["李四", "13800138000"]);
        assert_eq!((rows.len(), rows[1].number), (2, 3));
    }
}

#[test]
fn a_gb_file_may_have_lines_that_happen_to_be_utf8_and_characters_of_four_bytes() {
    // 女 alone is valid UTF-8 in GB18030's bytes; 𠮷 takes four of them.
    let rows = rows(gb("性别,姓名\n女,a\n男,𠮷田\n女,b\n")).expect("reads");
    assert_eq!(rows.iter().map(|row| texts(&row.cells)[0]).collect::<String>(), "女男女");
    assert_eq!(texts(&rows[1].cells)[1], "𠮷田");
}

#[test]
fn what_is_neither_names_line_and_character() {
    let bytes = [gb("姓名\n李"), vec![0xff], gb("四\n")].concat();
    let error = rows(bytes).expect_err("refused");
    assert!(matches!(error, SheetError::Undecodable { line: 2, character: 2 }), "{error}");
    let bytes = [PLAIN.as_bytes(), b"abc\xe6\xff,1\n"].concat();
    let error = rows(bytes).expect_err("refused");
    assert!(matches!(error, SheetError::Undecodable { line: 4, character: 4 }), "{error}");
    let broken = [utf16("姓名\n李", false), vec![0x00, 0xd8, 0x41, 0x00]].concat();
    let error = rows(broken).expect_err("refused");
    assert!(matches!(error, SheetError::Undecodable { line: 2, .. }), "{error}");
}

#[test]
fn mixed_encodings_name_both_lines() {
    let error = rows([PLAIN.as_bytes(), &gb("赵六六,1\n")].concat()).expect_err("refused");
    let expected = "line 4 is GB18030, while line 1 is UTF-8: save the whole file as CSV UTF-8";
    assert_eq!(error.to_string(), expected);
    let error = rows([gb("姓名,手机号\n"), "李四,1\n".into()].concat()).expect_err("refused");
    assert!(matches!(
        error,
        SheetError::MixedEncodings { line: 2, found: Encoding::Utf8 { .. }, other_line: 1, .. }
    ));
}

#[test]
fn a_nul_is_refused_with_its_line() {
    for bytes in [b"a,b\n1,\0\n".to_vec(), utf16("a,b\n1,\0\n", false), utf16("a,b\n1,\0\n", true)] {
        let error = rows(bytes).expect_err("refused");
        assert!(matches!(error, SheetError::Nul { line: 2 }), "{error}");
    }
}

#[test]
fn delimiters_quotes_and_line_breaks() {
    for delimiter in [",", ";", "\t"] {
        let text =
            "姓名|备注\r\n李四|\"一行\n\"\"两\"\"行|、\"\r\n\r\n||\r\n王五|b\r\n".replace('|', delimiter);
        let rows = rows(text).expect("reads");
        assert_eq!(texts(&rows[0].cells)[1], format!("一行\n\"两\"行{delimiter}、"));
        // Quoted breaks and blank rows count as lines.
        assert_eq!((rows.len(), rows[1].number), (2, 6));
    }
}

#[test]
fn a_header_alone_is_an_empty_table_and_nothing_is_an_error() {
    let mut only = table("\n,,\n姓名,手机号,,\n").expect("opens");
    assert_eq!((only.header().len(), only.header_row()), (2, 3));
    assert!(only.next_row().expect("reads").is_none());
    for nothing in ["", "\u{feff}", "\n\n", ",,,\n , \n"] {
        assert!(matches!(rows(nothing), Err(SheetError::Empty)), "{nothing:?}");
    }
}

#[test]
fn uneven_rows_are_told_and_end_nothing() {
    let rows = rows("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3\n").expect("reads");
    let problems: Vec<_> = rows.iter().map(|row| row.problems.first().copied()).collect();
    let uneven = |found| Some(Problem::Uneven { expected: 3, found });
    assert_eq!(problems, [uneven(2), uneven(4), None, None]);
    assert!(rows.iter().all(|row| row.cells.len() == 3));
}

#[test]
fn columns_rows_and_cells_are_bounded() {
    let wide = vec!["a"; 257].join(",");
    assert!(matches!(rows(wide), Err(SheetError::TooManyColumns { found: 257, limit: 256 })));
    assert_eq!(table(vec!["a"; 256].join(",")).expect("opens").header().len(), 256);
    let rows = rows(format!("a,b\n{},2\n3,4\n", "字".repeat(32_768))).expect("reads");
    assert_eq!(rows[0].cells[0], Cell::Fault(Fault::TooLong { limit: 32_767 }));
    assert_eq!(rows[1].cells[0], Cell::from("3"));
}

#[test]
fn what_we_guarded_is_given_back_without_the_guard() {
    let rows = rows("a,b\n'+8613800138000,'abc\n").expect("reads");
    assert_eq!(texts(&rows[0].cells), ["+8613800138000", "'abc"]);
}

/// So many bytes that are nowhere: a header, then the same line again and again.
struct Endless {
    header: &'static [u8],
    line: &'static [u8],
    length: u64,
    at: u64,
    /// The most that was ever asked for at once.
    asked: Arc<AtomicU64>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.asked.fetch_max(buffer.len() as u64, Ordering::Relaxed);
        let left = usize::try_from(self.length - self.at).unwrap_or(usize::MAX).min(buffer.len());
        for byte in &mut buffer[..left] {
            let place = |at: u64| usize::try_from(at).expect("a small place");
            let header = self.header.len() as u64;
            *byte = if self.at < header {
                self.header[place(self.at)]
            } else {
                self.line[place((self.at - header) % self.line.len() as u64)]
            };
            self.at += 1;
        }
        Ok(left)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn a_quote_that_is_never_closed_is_refused_after_one_rows_bytes() {
    for (header, line) in [(&b"a,b\n\""[..], &b"never closed,\n"[..]), (b"a,b\n", b"no break at all,")] {
        let source = Endless { header, line, length: 1 << 23, at: 0, asked: Arc::default() };
        let error = match open(source, &Limits::default()) {
            Err(error) => error,
            Ok(mut table) => table.next_row().expect_err("refused"),
        };
        assert!(matches!(error, SheetError::RowTooLong { line: 2, limit: 1_048_576 }), "{error}");
    }
}

#[test]
fn rows_may_end_as_macs_once_ended_them() {
    let rows = rows("a;b\r1;2\r3;4").expect("reads");
    assert_eq!((rows.len(), rows[1].number, texts(&rows[1].cells)), (2, 3, vec!["3", "4"]));
}

#[test]
fn a_long_file_is_read_in_small_pieces() {
    let asked = Arc::new(AtomicU64::new(0));
    // The whole gigabyte is read by the example `speed`, optimised; the way is the same.
    let length = 8 << 20;
    let source = Endless {
        header: b"name,phone\n",
        line: b"abcdefgh,13800138000\n",
        length,
        at: 0,
        asked: Arc::clone(&asked),
    };
    let count = open(source, &Limits::default()).expect("opens").inspect(|row| assert!(row.is_ok())).count();
    assert_eq!(count as u64, (length - 11).div_ceil(21));
    assert!(asked.load(Ordering::Relaxed) <= 256 << 10);
}
