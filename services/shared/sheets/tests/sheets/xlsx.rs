//! Workbooks as spreadsheets write them, and as they do not.

use crate::common::{Book, rows, table, text_row};
use foursight_sheets::{Cell, Fault, Format, Note, Problem, SheetError, values};
use jiff::civil::date;
use rust_decimal::Decimal;

fn header() -> String {
    text_row(1, &["姓名", "手机号", "日期"])
}

fn one_sheet(data: &str) -> Vec<u8> {
    Book::new(&[data]).bytes()
}

#[test]
fn cells_of_every_kind() {
    let data = format!(
        "{}<row r=\"3\"><c r=\"A3\" t=\"s\"><v>0</v></c><c r=\"B3\"><v>13800138000</v></c><c r=\"C3\" s=\"1\"><v>46086</v></c></row>\
         <row r=\"4\"><c r=\"A4\" t=\"b\"><v>1</v></c><c r=\"B4\"><v>0.30000000000000004</v></c><c r=\"C4\" s=\"2\"><v>46086.604166666664</v></c></row>",
        header()
    );
    let mut book = Book::new(&[&data]);
    book.strings = Some("<sst uniqueCount=\"1\"><si><r><t>李</t></r><r><t>四</t></r></si></sst>".into());
    let rows = rows(book.bytes()).expect("reads");
    assert_eq!(rows[0].number, 3);
    assert_eq!(rows[0].cells[0], Cell::from("李四"));
    assert_eq!(values::phone(&rows[0].cells[1]), Ok(Some("13800138000".into())));
    assert_eq!(rows[0].cells[2], Cell::Moment(date(2026, 3, 5).at(0, 0, 0, 0)));
    assert_eq!(rows[1].cells[0], Cell::Bool(true));
    assert_eq!(rows[1].cells[1], Cell::Number(Decimal::new(3, 1)));
    assert_eq!(rows[1].cells[2], Cell::Moment(date(2026, 3, 5).at(14, 30, 0, 0)));
}

#[test]
fn dates_follow_the_workbooks_epoch() {
    let data =
        format!("<sheetData>{}<row r=\"2\"><c r=\"C2\" s=\"1\"><v>44624</v></c></row></sheetData>", header());
    let book = Book::with(&[("表1".into(), "")], vec![data], "<workbookPr date1904=\"1\"/>");
    let rows = rows(book.bytes()).expect("reads");
    assert_eq!(rows[0].cells[2], Cell::Moment(date(2026, 3, 5).at(0, 0, 0, 0)));
}

#[test]
fn formulas_give_their_last_value_and_errors_stay_in_their_cells() {
    let data = format!(
        "{}<row r=\"2\"><c r=\"A2\" t=\"str\"><f>B2&amp;\"x\"</f><v>李四</v></c><c r=\"B2\"><f>1+1</f></c><c r=\"C2\" t=\"e\"><v>#N/A</v></c></row>\
         <row r=\"3\"><c r=\"A3\" t=\"str\"><f t=\"shared\" si=\"999999999999\" ref=\"A3:A9\">C3</f><v>王五</v></c></row>",
        header()
    );
    let rows = rows(one_sheet(&data)).expect("reads");
    assert_eq!(rows[0].cells[0], Cell::from("李四"));
    assert_eq!(rows[0].cells[1], Cell::Fault(Fault::NotCalculated));
    assert_eq!(rows[0].cells[2], Cell::Fault(Fault::Shown("#N/A")));
    assert_eq!(rows[1].cells[0], Cell::from("王五"));
}

#[test]
fn covered_cells_say_where_their_value_is() {
    let page = format!(
        "<sheetData>{}{}{}{}</sheetData><mergeCells count=\"2\"><mergeCell ref=\"A2:A3\"/><mergeCell ref=\"B3:C4\"/></mergeCells>",
        header(),
        text_row(2, &["李四", "1", "x"]),
        text_row(3, &["", "2", ""]),
        text_row(4, &["", "", ""]),
    );
    let rows = rows(Book::with(&[("表1".into(), "")], vec![page], "").bytes()).expect("reads");
    let covered = |first: &str| Cell::Covered { first: first.into() };
    assert_eq!(rows[0].cells[0], Cell::from("李四"));
    assert_eq!(rows[1].cells, [covered("A2"), Cell::from("2"), covered("B3")]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn the_first_visible_sheet_with_a_header_is_read_and_the_others_are_told() {
    let names = [
        ("内部".to_owned(), "state=\"hidden\""),
        ("空".to_owned(), ""),
        ("客户".to_owned(), ""),
        ("旧".to_owned(), "state=\"veryHidden\""),
        ("车辆".to_owned(), ""),
    ];
    let full = format!("<sheetData>{}{}</sheetData>", header(), text_row(2, &["李四"]));
    let pages = vec![full.clone(), "<sheetData></sheetData>".into(), full.clone(), full.clone(), full];
    let table = table(Book::with(&names, pages, "").bytes()).expect("opens");
    assert_eq!(table.format(), &Format::Xlsx { sheet: "客户".into() });
    let (hidden, blank) =
        (Note::HiddenSheet { sheet: "内部".into() }, Note::NotATable { sheet: "空".into() });
    let (old, further) =
        (Note::HiddenSheet { sheet: "旧".into() }, Note::FurtherSheet { sheet: "车辆".into() });
    assert_eq!(table.notes(), [hidden, blank, old, further]);
    assert_eq!(table.count(), 1);
}

#[test]
fn a_header_alone_is_an_empty_table_and_nothing_is_an_error() {
    assert_eq!(rows(one_sheet(&header())).expect("reads"), []);
    assert!(matches!(rows(one_sheet("")), Err(SheetError::Empty)));
    assert!(matches!(rows(one_sheet("<row r=\"1\"><c r=\"A1\" s=\"1\"/></row>")), Err(SheetError::Empty)));
}

#[test]
fn columns_are_bounded_and_what_stands_beside_them_is_told() {
    let data = format!(
        "{}<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"E2\"><v>2</v></c><c r=\"F2\" s=\"1\"/></row>",
        header()
    );
    let found = rows(one_sheet(&data)).expect("reads");
    assert_eq!(found[0].problems, [Problem::Uneven { expected: 3, found: 5 }]);
    let far = "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"IW1\"><v>2</v></c></row>";
    assert!(matches!(rows(one_sheet(far)), Err(SheetError::TooManyColumns { found: 257, limit: 256 })));
    let long = text_row(2, &[&"字".repeat(32_768)]);
    let found = rows(one_sheet(&(header() + &long))).expect("reads");
    assert_eq!(found[0].cells[0], Cell::Fault(Fault::TooLong { limit: 32_767 }));
}

#[test]
fn rows_that_run_backwards_are_refused() {
    let error =
        rows(one_sheet(&(header() + &text_row(3, &["a"]) + &text_row(2, &["b"])))).expect_err("refused");
    assert!(matches!(error, SheetError::Damaged { row: 3, .. }), "{error}");
}

#[test]
fn a_table_may_be_read_on_another_thread() {
    // A service reads where blocking harms nobody.
    let table = table(one_sheet(&(header() + &text_row(2, &["李四"])))).expect("opens");
    let count = std::thread::spawn(move || table.count()).join().expect("reads");
    assert_eq!(count, 1);
}
