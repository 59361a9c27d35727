//! Files as people send them: in pieces, in their encodings, broken, and made to do harm.

use std::io::Write;

use foursight_proto::customer::v1::{
    AppendImportDataRequest, CancelImportRequest, CreateImportRequest, ImportState, ListImportsRequest,
    ReadImportErrorsRequest, StartImportRequest,
};
use foursight_testkit::reason;

use crate::{
    imports::{counts, csv, import},
    world::World,
};

#[tokio::test]
async fn a_file_comes_in_pieces_each_once_for_its_place() {
    let world = World::start().await;
    let request = CreateImportRequest {
        import: Some(import(world.hangzhou)),
        request_id: "5e0f6a1c-6f0a-4c8e-9a52-0b1b5a8c7d11".to_owned(),
    };
    let mut client = world.imports(&world.here);
    let run = client.create_import(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.create_import(request).await.unwrap().into_inner(), run);
    assert_eq!(run.state(), ImportState::Uploading);

    let empty = world.start_import(&world.here, &run.name, true).await.unwrap_err();
    assert_eq!(reason(&empty), "IMPORT_EMPTY");
    let mut append = async |offset: i64, data: &str| {
        let data = data.as_bytes().to_vec().into();
        let request = AppendImportDataRequest { name: run.name.clone(), offset, data };
        client.append_import_data(request).await.map(|answer| answer.into_inner().size_bytes)
    };
    assert_eq!(append(0, "姓名,手机\n").await.unwrap(), 14);
    assert_eq!(append(0, "姓名,手机\n").await.unwrap(), 14);
    assert_eq!(reason(&append(0, "something else").await.unwrap_err()), "IMPORT_OFFSET");
    assert_eq!(reason(&append(20, "x").await.unwrap_err()), "IMPORT_OFFSET");
    append(14, "示例一,13800").await.unwrap();
    append(30, "").await.unwrap_err();
    let size = append(14 + 15, "000001\n").await.unwrap();
    let listed = client.list_imports(ListImportsRequest::default()).await.unwrap().into_inner().imports;
    assert_eq!((listed.len(), listed[0].size_bytes), (1, size));
    world.start_import(&world.here, &run.name, false).await.unwrap();
    let run = world.follow(&world.here, &run.name).await;
    assert_eq!(counts(&run), [1, 0, 0, 0, 0]);
    // Whose answer was lost, asks again.
    let request = AppendImportDataRequest {
        name: run.name.clone(),
        offset: 0,
        data: "姓名,手机\n".as_bytes().to_vec().into(),
    };
    client.append_import_data(request).await.unwrap();
    let request =
        AppendImportDataRequest { name: run.name.clone(), offset: size, data: b"x".to_vec().into() };
    assert_eq!(reason(&client.append_import_data(request).await.unwrap_err()), "IMPORT_BEGUN");
}

#[tokio::test]
async fn rows_that_were_not_taken_come_back_as_they_came_with_the_reason() {
    let world = World::start().await;
    let text = "姓名;手机;备注\n示例一;13800000001;好\n示例二;x;=1+1\n示例三;;\n";
    let (bytes, _, _) = encoding_rs::GB18030.encode(text);
    let run = world.bring(&world.here, world.hangzhou, &bytes).await;
    assert_eq!(counts(&run), [1, 0, 0, 0, 2]);
    let errors = world.errors(&world.here, &run).await;
    let (errors, _, wrong) = encoding_rs::GB18030.decode(&errors);
    assert!(!wrong);
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "姓名;手机;备注;未导入原因");
    assert!(lines[1].starts_with("示例二;x;") && lines[1].contains("手机：不是电话号码"), "{}", lines[1]);
    // Mended, it is brought in itself; what was told of it the last time is passed over.
    let mended = errors.replace(";x;", ";13800000002;").replace("示例三;;", "示例三;13800000003;");
    let (bytes, _, _) = encoding_rs::GB18030.encode(&mended);
    let run = world.bring(&world.here, world.hangzhou, &bytes).await;
    assert_eq!(counts(&run), [2, 0, 0, 0, 0], "{run:?}");
    let request = ReadImportErrorsRequest { name: run.name.clone(), offset: 0 };
    let none = world.imports(&world.here).read_import_errors(request).await.unwrap_err();
    assert_eq!(reason(&none), "IMPORT_HAS_NO_ERROR_FILE");
}

#[tokio::test]
async fn a_workbook_comes_in_and_its_rows_go_back_as_a_workbook() {
    let world = World::start().await;
    let header = ["姓名", "手机", "生日"];
    let mut book = foursight_sheets::write::XlsxWriter::new(Vec::new(), None, "客户", &header).unwrap();
    let day = foursight_sheets::Cell::Moment(
        jiff::civil::date(1990, 3, 5).to_datetime(jiff::civil::Time::midnight()),
    );
    let cell = |text: &str| foursight_sheets::Cell::from(text);
    book.row([&cell("示例一"), &cell("13800000001"), &day]).unwrap();
    book.row([&cell("示例二"), &cell("12"), &day]).unwrap();
    let run = world.bring(&world.here, world.hangzhou, &book.finish().unwrap()).await;
    assert_eq!(counts(&run), [1, 0, 0, 0, 1], "{run:?}");
    let errors = world.errors(&world.here, &run).await;
    assert_eq!(&errors[..2], b"PK");
    let mut table =
        foursight_sheets::open(std::io::Cursor::new(errors), &foursight_sheets::Limits::default()).unwrap();
    assert_eq!(table.header(), ["姓名", "手机", "生日", "未导入原因"]);
    let row = table.next_row().unwrap().unwrap();
    assert_eq!((&row.cells[0], &row.cells[2]), (&cell("示例二"), &day));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why_and_nothing_is_written() {
    let world = World::start().await;
    let mut mixed = "姓名,手机\n示例一,13800000001\n".as_bytes().to_vec();
    mixed.extend_from_slice(&encoding_rs::GB18030.encode("示例二,13800000002\n").0);
    let many: Vec<String> = (0..300).map(|number| format!("c{number}")).collect();
    let mut long = b"a,b\n\"".to_vec();
    long.resize(2 << 20, b'x');
    for (what, bytes, failure) in [
        ("nothing but blanks", b" \n\n".to_vec(), "FILE_NOT_READABLE"),
        ("a NUL", "姓名,手机\n示例\0一,1\n".as_bytes().to_vec(), "FILE_NOT_READABLE"),
        ("mixed encodings", mixed, "FILE_NOT_READABLE"),
        ("too many columns", many.join(",").into_bytes(), "FILE_NOT_READABLE"),
        ("a quote without an end", long, "FILE_NOT_READABLE"),
        ("a zip that is none", b"PK\x03\x04 and no more".to_vec(), "FILE_NOT_READABLE"),
        ("a bomb", bomb(), "FILE_NOT_READABLE"),
        ("no phone and no id", "姓名,地址\n示例一,示例路\n".as_bytes().to_vec(), "COLUMNS_MISSING"),
        (
            "two names",
            "姓名,客户名称,手机\n示例一,示例一,13800000001\n".as_bytes().to_vec(),
            "COLUMNS_NOT_CLEAR",
        ),
    ] {
        let run = world.bring(&world.here, world.hangzhou, &bytes).await;
        assert_eq!(run.state(), ImportState::Failed, "{what}: {run:?}");
        let told = run.failure.unwrap();
        assert_eq!(told.reason, failure, "{what}: {told:?}");
        assert!(told.message.len() > 20, "{what}: {told:?}");
    }
    assert_eq!(world.how_many_found(&world.here, "示例").await, 0);
}

/// A workbook whose sheet is 300 MB of blanks, packed.
fn bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut part = |name: &str, text: &str| {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    part(
        "[Content_Types].xml",
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
    );
    part("xl/worksheets/sheet1.xml", "<worksheet><sheetData>");
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..300 {
        zip.write_all(&blanks).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_table_without_rows_is_over_at_once_and_one_of_200_columns_is_read() {
    let world = World::start().await;
    let run = world.bring(&world.here, world.hangzhou, &csv("姓名,手机", &[])).await;
    assert_eq!((run.state(), counts(&run)), (ImportState::Done, [0; 5]));
    let columns: Vec<String> = (0..198).map(|number| format!("列{number}")).collect();
    let table = format!("姓名,手机,{}\n示例一,13800000001,{}\n", columns.join(","), vec!["x"; 198].join(","));
    let run = world.bring(&world.here, world.hangzhou, table.as_bytes()).await;
    assert_eq!((counts(&run), run.columns.len()), ([1, 0, 0, 0, 0], 200));
}

#[tokio::test]
async fn what_a_column_is_can_be_said_and_is_known_the_next_time() {
    let world = World::start().await;
    let table = csv("称呼,叫机号,客户名称", &["示例一,13800000001,x"]);
    let name = world.upload(&world.here, import(world.hangzhou), &table).await;
    world.start_import(&world.here, &name, true).await.unwrap();
    let run = world.follow(&world.here, &name).await;
    assert_eq!(run.failure.unwrap().reason, "COLUMNS_MISSING");
    assert_eq!(run.columns.len(), 3);

    let said = [("称呼", "name"), ("叫机号", "phone"), ("客户名称", "")];
    let mapping = said.into_iter().map(|(header, field)| (header.to_owned(), field.to_owned())).collect();
    let request =
        StartImportRequest { name: name.clone(), dry_run: false, mapping, request_id: String::new() };
    world.imports(&world.here).start_import(request).await.unwrap();
    let run = world.follow(&world.here, &name).await;
    assert_eq!(counts(&run), [1, 0, 0, 0, 0], "{run:?}");

    let table = csv("称呼,叫机号,客户名称", &["示例二,13800000002,x"]);
    assert_eq!(counts(&world.bring(&world.here, world.hangzhou, &table).await), [1, 0, 0, 0, 0]);
    // Another store has words of its own.
    let run = world.bring(&world.there, world.suzhou, &table).await;
    assert_eq!(run.failure.unwrap().reason, "COLUMNS_MISSING");
}

#[tokio::test]
async fn a_run_that_was_stopped_before_it_began_can_be_started() {
    let world = World::start().await;
    let table = csv("姓名,手机", &["示例一,13800000001"]);
    let name = world.upload(&world.here, import(world.hangzhou), &table).await;
    let request = CancelImportRequest { name: name.clone(), request_id: String::new() };
    let run = world.imports(&world.here).cancel_import(request).await.unwrap().into_inner();
    assert_eq!(run.state(), ImportState::Cancelled);
    world.start_import(&world.here, &name, false).await.unwrap();
    assert_eq!(counts(&world.follow(&world.here, &name).await), [1, 0, 0, 0, 0]);
    let over = world.start_import(&world.here, &name, false).await.unwrap_err();
    assert_eq!(reason(&over), "IMPORT_STATE");
}

#[tokio::test]
async fn bytes_are_sealed_and_go_after_a_week() {
    let world = World::start().await;
    let table = csv("姓名,手机", &["示例一,13800000001", "示例二,x"]);
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    let owner = world.stack.owner().await.unwrap();
    let clear: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM customer.import_chunks c, customer.imports i
         WHERE position('13800000001'::bytea IN c.sealed) > 0 OR position('姓名'::bytea IN c.sealed) > 0
            OR position(convert_to('客户', 'UTF8') IN i.name_sealed) > 0",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert_eq!(clear, 0);
    let kept = "SELECT count(*) FROM customer.import_chunks";
    assert_eq!(sqlx::query_scalar::<_, i64>(kept).fetch_one(&owner).await.unwrap(), 2);
    world.stack.clock.advance(jiff::SignedDuration::from_hours(7 * 24 + 1));
    world.stack.running.round("customer", "imports-expire").await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(kept).fetch_one(&owner).await.unwrap(), 0);
    let run = world.run(&world.here, &run.name).await.unwrap();
    assert_eq!((run.expire_time, run.error_bytes, counts(&run)), (None, 0, [1, 0, 0, 0, 1]));
    let rows = world.rows(&world.here, &run, foursight_proto::customer::v1::ImportOutcome::Error).await;
    assert_eq!(rows.len(), 1);
}

/// A workbook of hand-written rows.
fn book(rows: &str) -> Vec<u8> {
    const NS: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut part = |name: &str, text: String| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"{REL}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    part("[Content_Types].xml", "<Types/>".to_owned());
    part("_rels/.rels", relation("officeDocument", "xl/workbook.xml"));
    let sheet = "<sheet name=\"客户\" sheetId=\"1\" r:id=\"rId1\"/>";
    part(
        "xl/workbook.xml",
        format!("<workbook xmlns=\"{NS}\" xmlns:r=\"{REL}\"><sheets>{sheet}</sheets></workbook>"),
    );
    part("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml"));
    part("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{NS}\">{rows}</worksheet>"));
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn formulas_that_failed_and_merged_cells_are_told_row_by_row_and_nothing_is_guessed() {
    let world = World::start().await;
    let cell = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |number: u32, cells: &[String]| format!("<row r=\"{number}\">{}</row>", cells.concat());
    let rows = [
        row(1, &[cell("A1", "姓名"), cell("B1", "手机")]),
        row(2, &[cell("A2", "示例一"), cell("B2", "13800000001")]),
        // One name for two rows.
        row(3, &[cell("B3", "13800000003")]),
        row(4, &[cell("A4", "示例四"), "<c r=\"B4\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>".to_owned()]),
        row(5, &[cell("A5", "示例五"), "<c r=\"B5\"><f>A1</f></c>".to_owned()]),
        row(6, &[cell("A6", "=HYPERLINK(1)"), cell("B6", "13800000006")]),
    ];
    let rows = format!(
        "<sheetData>{}</sheetData><mergeCells count=\"1\"><mergeCell ref=\"A2:A3\"/></mergeCells>",
        rows.concat()
    );
    let run = world.bring(&world.here, world.hangzhou, &book(&rows)).await;
    assert_eq!(counts(&run), [2, 0, 0, 0, 3], "{run:?}");
    let errors = world.rows(&world.here, &run, foursight_proto::customer::v1::ImportOutcome::Error).await;
    let told: Vec<(i64, &str, &str)> = errors
        .iter()
        .flat_map(|row| row.reasons.iter().map(|it| (row.row, it.field.as_str(), it.reason.as_str())))
        .collect();
    assert_eq!(
        told,
        [(3, "name", "VALUE_WRONG"), (4, "phone", "CELL_HAS_NO_VALUE"), (5, "phone", "CELL_HAS_NO_VALUE")]
    );
    assert!(errors[1].reasons[0].message.contains("公式"), "{errors:?}");
    // What comes back starts no formula.
    let back = world.errors(&world.here, &run).await;
    assert_eq!(&back[..2], b"PK");
}
