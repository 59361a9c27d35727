//! What is written is read back the same, and is safe to open.

use crate::common::{Book, table, text_row};
use encoding_rs::GB18030;
use foursight_sheets::write::{CsvStyle, CsvWriter, Returned, XlsxWriter};
use foursight_sheets::{Cell, Encoding, Fingerprint, Limits, Mapping, Row, SheetError, Vocabulary, open};
use jiff::civil::date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::io::Cursor;

const ENCODINGS: [Encoding; 5] = [
    Encoding::Utf8 { bom: true },
    Encoding::Utf8 { bom: false },
    Encoding::Gb18030,
    Encoding::Utf16Le,
    Encoding::Utf16Be,
];

fn csv(style: CsvStyle, rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = CsvWriter::new(Vec::new(), style, &["姓名", "备注", "备注二"]).expect("begins");
    for row in rows {
        writer.row(row).expect("a row");
    }
    writer.finish().expect("ends")
}

fn xlsx(rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = XlsxWriter::new(Vec::new(), None, "客户", &["姓名", "备注", "备注二"]).expect("begins");
    for row in rows {
        writer.row(row).expect("a row");
    }
    writer.finish().expect("ends")
}

fn cells(bytes: Vec<u8>) -> Vec<Vec<Cell>> {
    let table = open(Cursor::new(bytes), &Limits::default()).expect("opens");
    table.map(|row| row.expect("a row").cells).collect()
}

#[test]
fn an_export_opens_in_excel_and_carries_nothing_out() {
    let row = vec![
        Cell::from("=HYPERLINK(\"http://example.com\")"),
        Cell::Number(Decimal::new(-1250, 2)),
        Cell::from("+8613800138000"),
    ];
    let bytes = csv(CsvStyle::default(), std::slice::from_ref(&row));
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    assert_eq!(
        text,
        "\u{feff}姓名,备注,备注二\r\n\"'=HYPERLINK(\"\"http://example.com\"\")\",-12.5,'+8613800138000\r\n"
    );
    assert_eq!(cells(bytes)[0], [row[0].clone(), Cell::from("-12.5"), row[2].clone()]);
    // In a workbook the texts are no formulas, for us and for any reader.
    let bytes = xlsx(std::slice::from_ref(&row));
    let mut book: calamine::Xlsx<_> = calamine::Reader::new(Cursor::new(bytes.clone())).expect("opens");
    let formulas = calamine::Reader::worksheet_formula(&mut book, "客户").expect("opens");
    assert_eq!(formulas.used_cells().count(), 0);
    let mut normal = row;
    normal[1] = Cell::Number(Decimal::new(-125, 1));
    assert_eq!(cells(bytes)[0], normal);
}

#[test]
fn a_workbook_keeps_kinds() {
    let row = vec![
        Cell::Moment(date(2026, 3, 5).at(0, 0, 0, 0)),
        Cell::Moment(date(2026, 3, 5).at(14, 30, 1, 0)),
        Cell::Bool(true),
    ];
    assert_eq!(cells(xlsx(std::slice::from_ref(&row))), [row]);
    // Of an id card's number Excel would keep 15 digits; it goes as text.
    let id = Decimal::from(310_101_199_001_011_234_i64);
    assert_eq!(cells(xlsx(&[vec![Cell::Number(id)]]))[0][0], Cell::from("310101199001011234"));
}

#[test]
fn what_a_workbook_cannot_hold_is_said() {
    let mut writer = XlsxWriter::new(Vec::new(), None, "a/b:c?", &["a"]).expect("begins");
    let error = writer.row(&[Cell::Text("字".repeat(32_768))]).expect_err("refused");
    assert!(matches!(error, SheetError::TooMuchForXlsx { limit: 32_767, .. }), "{error}");
}

#[test]
fn bad_rows_come_back_in_the_files_own_encoding_and_can_be_sent_again() {
    let text = "姓名;手机号;备注\n李四;1.38E+10;=x\n王五;13900139000;\n";
    let mut file = GB18030.encode(text).0.into_owned();
    for _ in 0..2 {
        let mut table = table(file).expect("opens");
        let mut back = Returned::like(&table, Vec::new(), None, "原因").expect("begins");
        let row = table.next_row().expect("reads").expect("a row");
        back.row(&row, "手机号不完整").expect("a row");
        file = back.finish().expect("ends");
        // The second time the column is there already, and is written anew.
        assert_eq!(GB18030.decode(&file).0, "姓名;手机号;备注;原因\r\n李四;1.38E+10;'=x;手机号不完整\r\n");
    }
}

#[test]
fn bad_rows_of_a_workbook_come_back_as_one() {
    let data = text_row(1, &["姓名", "备注"])
        + &text_row(2, &["李四", "=1+1"])
        + "<row r=\"3\"><c r=\"A3\"><v>7</v></c></row>";
    let mut source = table(Book::new(&[&data]).bytes()).expect("opens");
    let mut back = Returned::like(&source, Vec::new(), None, "原因").expect("begins");
    while let Some(row) = source.next_row().expect("reads") {
        back.row(&row, "没有手机号").expect("a row");
    }
    let again = table(back.finish().expect("ends")).expect("opens");
    assert_eq!(again.header(), ["姓名", "备注", "原因"]);
    let rows: Vec<Row> = again.map(|row| row.expect("a row")).collect();
    assert_eq!(rows[0].cells, [Cell::from("李四"), Cell::from("=1+1"), Cell::from("没有手机号")]);
    assert_eq!(rows[1].cells[0], Cell::Number(Decimal::from(7)));
}

#[test]
fn the_same_row_has_the_same_fingerprint_whatever_the_file() {
    let vocabulary =
        Vocabulary::new().required("name", &["姓名"]).field("phone", &["手机号"]).field("points", &["积分"]);
    let prints = |bytes: Vec<u8>| -> Vec<Fingerprint> {
        let table = table(bytes).expect("opens");
        let found = vocabulary.recognise(table.header(), &Mapping::new());
        table.map(|row| found.fingerprint(&row.expect("a row"))).collect()
    };
    let first = prints("姓名,手机号,积分\n李四,138,12\n王五,139,7\n".into());
    assert_ne!(first[0], first[1]);
    assert_eq!(prints("积分,备注,手机号,姓名\n12,x, １３８,李四\n7,y,139,王五\u{200b}\n".into()), first);
    let row = |row: u32, name, phone, points| {
        format!(
            "<row r=\"{row}\"><c r=\"A{row}\" t=\"str\"><v>{name}</v></c><c r=\"B{row}\"><v>{phone}</v></c>\
             <c r=\"C{row}\"><v>{points}</v></c></row>"
        )
    };
    let header = text_row(1, &["姓名", "手机号", "积分"]);
    let sheet = header + &row(2, "李四", "138", "12") + &row(3, "王五", "139", "7.0");
    assert_eq!(prints(Book::new(&[&sheet]).bytes()), first);
    assert_ne!(prints("姓名,手机号,积分\n李四,13,812\n".into())[0], first[0]);
    // It is stored: the way it is made may not change unnoticed.
    let cell = Cell::from("李四");
    assert_eq!(
        Fingerprint::of([("name", &cell), ("phone", &Cell::Empty)]).to_string(),
        "e054a2e8300abee702676b3ffe373c132d8dd07d88e751a4f3ce3a5b339fea6b"
    );
}

fn text() -> impl Strategy<Value = Cell> {
    // Control characters have no place in a table; private ones have none in GB18030. Carriage returns are line breaks.
    "[-=+@'\",;\t\n a-c0-9李四＝😀é]{0,12}|[\u{20}-\u{7e}\u{a1}-\u{d7ff}]{0,12}"
        .prop_filter("unseen only", |text| !text.trim().is_empty())
        .prop_map(Cell::Text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn texts_come_back_from_a_csv_as_they_were(
        rows in proptest::collection::vec(proptest::collection::vec(text(), 3), 1..5),
        encoding in prop::sample::select(ENCODINGS.to_vec()), delimiter in prop::sample::select(vec![b',', b';', b'\t'])
    ) {
        prop_assert_eq!(cells(csv(CsvStyle { encoding, delimiter }, &rows)), rows);
    }

    #[test]
    fn cells_come_back_from_a_workbook_as_they_were(
        rows in proptest::collection::vec(proptest::collection::vec(prop_oneof![
            text(),
            any::<bool>().prop_map(Cell::Bool),
            (-999_999_999_999_i64..999_999_999_999, 0_u32..4).prop_map(|(units, scale)| Cell::Number(Decimal::new(units, scale).normalize())),
            (1901_i16..9999, 1_i8..13, 1_i8..29, 0_i8..24, 0_i8..60)
                .prop_map(|(year, month, day, hour, minute)| Cell::Moment(date(year, month, day).at(hour, minute, 0, 0))),
        ], 3), 1..5)
    ) {
        prop_assert_eq!(cells(xlsx(&rows)), rows);
    }
}
