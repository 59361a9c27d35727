//! What the tests share: files made byte by byte.
use foursight_sheets::{Limits, Row, SheetError, Table, open};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) fn table(bytes: impl Into<Vec<u8>>) -> Result<Table, SheetError> {
    open(Cursor::new(bytes.into()), &Limits::default())
}

/// All rows, or the error that ended them.
pub(crate) fn rows(bytes: impl Into<Vec<u8>>) -> Result<Vec<Row>, SheetError> {
    table(bytes)?.collect()
}

/// A workbook of hand-written parts.
pub(crate) struct Book {
    pub(crate) workbook: String,
    pub(crate) sheets: Vec<String>,
    pub(crate) strings: Option<String>,
    pub(crate) more: Vec<(String, Vec<u8>)>,
}

const NS: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

impl Book {
    /// With sheets given as what stands in their `sheetData`, all visible.
    pub(crate) fn new(sheets: &[&str]) -> Self {
        let names: Vec<(String, &str)> = (1..=sheets.len()).map(|n| (format!("表{n}"), "")).collect();
        let pages: Vec<String> = sheets.iter().map(|data| format!("<sheetData>{data}</sheetData>")).collect();
        Self::with(&names, pages, "")
    }

    /// With named sheets and further attributes of theirs, and what stands in the worksheets' elements.
    pub(crate) fn with(names: &[(String, &str)], pages: Vec<String>, properties: &str) -> Self {
        let mut list = Vec::new();
        for ((name, more), n) in names.iter().zip(1..) {
            list.push(format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"rId{n}\" {more}/>"));
        }
        Self {
            workbook: format!(
                "<workbook xmlns=\"{NS}\" xmlns:r=\"{REL}\">{properties}<sheets>{}</sheets></workbook>",
                list.concat()
            ),
            sheets: pages
                .into_iter()
                .map(|page| format!("<worksheet xmlns=\"{NS}\">{page}</worksheet>"))
                .collect(),
            strings: None,
            more: Vec::new(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut put = |name: &str, content: &[u8]| {
            zip.start_file(name, SimpleFileOptions::default()).expect("a part");
            zip.write_all(content).expect("a part");
        };
        put("[Content_Types].xml", b"<Types/>");
        put(
            "_rels/.rels",
            format!("<Relationships><Relationship Id=\"rId1\" Type=\"{REL}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>").as_bytes(),
        );
        put("xl/workbook.xml", self.workbook.as_bytes());
        let mut rels = Vec::new();
        for n in 1..=self.sheets.len() {
            rels.push(format!(
                "<Relationship Id=\"rId{n}\" Type=\"{REL}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
            ));
        }
        put(
            "xl/_rels/workbook.xml.rels",
            format!("<Relationships>{}</Relationships>", rels.concat()).as_bytes(),
        );
        // 0 is plain, 1 a date, 2 a date with a time.
        put(
            "xl/styles.xml",
            format!("<styleSheet xmlns=\"{NS}\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>").as_bytes(),
        );
        if let Some(strings) = &self.strings {
            put("xl/sharedStrings.xml", strings.as_bytes());
        }
        for (n, sheet) in (1..).zip(&self.sheets) {
            put(&format!("xl/worksheets/sheet{n}.xml"), sheet.as_bytes());
        }
        for (name, content) in &self.more {
            put(name, content);
        }
        zip.finish().expect("a zip").into_inner()
    }
}

/// A row of inline texts from column A on; blank ones are left out.
pub(crate) fn text_row(number: u32, texts: &[&str]) -> String {
    let mut cells = Vec::new();
    for (text, column) in texts.iter().zip('A'..='Z').filter(|(text, _)| !text.is_empty()) {
        cells.push(format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"));
    }
    format!("<row r=\"{number}\">{}</row>", cells.concat())
}
