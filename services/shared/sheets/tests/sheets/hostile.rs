//! Files that were made to hurt, and files that are nothing at all.

use crate::common::{Book, rows, text_row};
use foursight_sheets::{Limits, SheetError, open};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn plain() -> Book {
    let mut book = Book::new(&[&(text_row(1, &["姓名", "手机号"]) + &text_row(2, &["李四", "1"]))]);
    book.strings = Some("<sst uniqueCount=\"1\"><si><t>x</t></si></sst>".into());
    book
}

fn with_limits(bytes: Vec<u8>, limits: &Limits) -> Result<usize, SheetError> {
    open(Cursor::new(bytes), limits)?.try_fold(0, |count, row| row.map(|_| count + 1))
}

#[test]
fn a_bomb_is_refused_by_what_its_directory_says() {
    let mut book = plain();
    book.more.push(("xl/media/image1.png".into(), vec![0; 8 << 20]));
    let bytes = book.bytes();
    assert!(bytes.len() < 64 << 10);
    let error = rows(bytes.clone()).expect_err("refused");
    assert!(matches!(error, SheetError::Bomb { limit: 200, .. }), "{error}");
    let small = Limits { ratio: u64::MAX, unpacked_bytes: 4 << 20, ..Limits::default() };
    let error = with_limits(bytes.clone(), &small).expect_err("refused");
    assert!(matches!(error, SheetError::Bomb { limit: 0x40_0000, .. }), "{error}");
    let held = Limits { ratio: u64::MAX, held_bytes: 4 << 20, ..Limits::default() };
    assert!(matches!(with_limits(bytes, &held), Err(SheetError::Bomb { .. })));
}

#[test]
fn a_directory_that_lies_about_sizes_is_found_out() {
    let bytes = plain().bytes();
    // Each entry of the directory has the unpacked size at its bytes 24 to 27.
    let mut at = 0;
    let mut found = 0;
    while let Some(next) = bytes[at..].windows(4).position(|four| four == b"PK\x01\x02") {
        let entry = at + next;
        for change in [-1, 1_i32] {
            let mut lying = bytes.clone();
            let size = u32::from_le_bytes(lying[entry + 24..entry + 28].try_into().expect("four"));
            lying[entry + 24..entry + 28].copy_from_slice(&size.saturating_add_signed(change).to_le_bytes());
            let error = rows(lying).expect_err("refused");
            assert!(matches!(error, SheetError::Damaged { .. }), "{error}");
            found += 1;
        }
        at = entry + 4;
    }
    assert!(found >= 14, "{found} lies were told");
}

#[test]
fn too_many_parts_are_refused() {
    let mut book = plain();
    book.more.extend((0..2_000).map(|n| (format!("x{n}"), Vec::new())));
    assert!(matches!(rows(book.bytes()), Err(SheetError::Bomb { limit: 2_000, .. })));
}

#[test]
fn strings_that_are_announced_and_not_there_get_no_room() {
    for count in ["99999999", "18446744073709551615", "99999999999999999999999999"] {
        let mut book = plain();
        book.strings = Some(format!("<sst uniqueCount=\"{count}\"><si><t>x</t></si></sst>"));
        assert!(matches!(rows(book.bytes()), Err(SheetError::Damaged { .. })));
    }
}

#[test]
fn a_cell_that_does_not_end_and_merges_without_end_are_refused() {
    let cell = format!(
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is>{}</is></c></row>",
        "<r><t>abcdefgh</t></r>".repeat(40_000)
    );
    let error = rows(Book::new(&[&cell]).bytes()).expect_err("refused");
    assert!(error.to_string().contains("a cell is too long"), "{error}");
    let merges = "<mergeCell ref=\"A1:B2\"/>".repeat(20_001);
    let page = format!("<sheetData>{}</sheetData><mergeCells>{merges}</mergeCells>", text_row(1, &["a"]));
    let error = rows(Book::with(&[("表1".into(), "")], vec![page], "").bytes()).expect_err("refused");
    assert!(matches!(error, SheetError::Bomb { limit: 20_000, .. }), "{error}");
}

#[test]
fn cells_that_no_spreadsheet_has_end_in_an_error() {
    for cell in [
        "<c r=\"A2\" t=\"s\"><v>7</v></c>",
        "<c r=\"A2\" t=\"e\"><v>#WHAT!</v></c>",
        "<c r=\"A2\" t=\"zz\"><v>7</v></c>",
        "<c r=\"ZZZZZZZZZZZZ99999999999999\"><v>7</v></c>",
        "<c r=\"2\"><v>7</v></c>",
        "<c r=\"A2\"><v>7",
    ] {
        let result = rows(Book::new(&[&format!("{}<row r=\"2\">{cell}</row>", text_row(1, &["a"]))]).bytes());
        assert!(matches!(result, Err(SheetError::Damaged { .. })), "{cell}: {result:?}");
    }
}

#[test]
fn other_containers_are_told_apart() {
    let mut old = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    old.resize(4096, 0);
    assert!(matches!(rows(old), Err(SheetError::OldOrProtected)));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("客户.csv", stored).expect("a part");
    zip.write_all("姓名\n李四\n".as_bytes()).expect("a part");
    let bytes = zip.finish().expect("a zip").into_inner();
    assert!(matches!(rows(bytes), Err(SheetError::NotAWorkbook)));
    assert!(matches!(rows(b"PK\x03\x04 cut off".to_vec()), Err(SheetError::Damaged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(rows) = rows(bytes) {
            prop_assert!(rows.iter().all(|row| row.cells.len() == rows[0].cells.len()));
        }
    }

    #[test]
    fn any_text_is_rows_or_an_error(text in "[a,;\t\"\r\n' =\u{feff}李1]{0,200}") {
        if let Ok(rows) = rows(text) {
            prop_assert!(rows.windows(2).all(|two| two[0].number < two[1].number));
        }
    }

    #[test]
    fn a_workbook_with_changed_bytes_is_rows_or_an_error(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(), cuts: bool
    ) {
        let mut bytes = plain().bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = rows(bytes);
    }

    #[test]
    fn a_sheet_of_any_markup_is_rows_or_an_error(
        pieces in proptest::collection::vec(prop::sample::select(vec![
            "<row>", "</row>", "<row r=\"2\">", "<row r=\"4294967295\">", "<c>", "</c>", "<c r=\"B3\">", "<c t=\"s\">", "<c/>",
            "<c t=\"inlineStr\">", "<is>", "</is>", "<t>", "</t>", "<v>", "</v>", "0", "1e999", "#N/A", "&amp;", "&#0;", "&x;", "_xD800_",
            "<f>", "</f>", "<f t=\"shared\" si=\"4\"/>", "<c s=\"1\">", "<c s=\"99\">", "-1", "46086", "</sheetData>", "<", ">", "\"", "<!--", "<?x?>",
            "<c t=\"b\">", "<c t=\"d\">", "<c t=\"e\">", "<c r=\"XFD1048576\">", "<c r=\"ZZZZZZZZ1\">", "李",
        ]), 0..40)
    ) {
        let _ = rows(Book::new(&[&(text_row(1, &["a", "b"]) + &pieces.concat())]).bytes());
    }
}
