//! Reads and writes large tables and prints how fast, and how much memory it took.
//! `cargo run --release -p foursight-sheets --example speed`
#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use foursight_sheets::write::{CsvStyle, CsvWriter, XlsxWriter};
use foursight_sheets::{Cell, Limits, SheetError, Source, open};
use rust_decimal::Decimal;
use std::io::{Cursor, Read, Result, Seek, SeekFrom, sink};
use std::time::Instant;

const HEADER: [&str; 6] = ["姓名", "手机号", "车牌号", "日期", "里程", "备注"];
const LINE: &str = "李四,13800138000,沪A12345,2026-03-05,12345,\"老客户, 常来保养\"\n";

/// A CSV that is nowhere: its line again and again.
struct Repeated {
    text: Vec<u8>,
    header: u64,
    length: u64,
    at: u64,
}

impl Repeated {
    fn new(length: u64) -> Self {
        let header = HEADER.join(",") + "\n";
        // Many lines at once, so that copying costs little.
        let text = [header.as_str(), &LINE.repeat(1_000)].concat().into_bytes();
        Self { text, header: header.len() as u64, length, at: 0 }
    }
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let lines = self.text.len() as u64 - self.header;
        let from =
            if self.at < self.header { self.at } else { self.header + (self.at - self.header) % lines };
        let from = usize::try_from(from).unwrap_or_default();
        let left = usize::try_from(self.length - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(self.text.len() - from).min(left);
        buffer[..length].copy_from_slice(&self.text[from..from + length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Repeated {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

fn main() -> std::result::Result<(), SheetError> {
    println!("{:<32} {:>10} {:>9} {:>12}  peak so far", "", "rows", "seconds", "rows/s");
    read("CSV of 1 GB, UTF-8", Repeated::new(1 << 30))?;
    let row = [
        Cell::from("李四"),
        Cell::from("13800138000"),
        Cell::from("沪A12345"),
        Cell::Moment(jiff::civil::date(2026, 3, 5).at(0, 0, 0, 0)),
        Cell::Number(Decimal::from(12_345)),
        Cell::from("老客户, 常来保养"),
    ];
    let many = 200_000_u32;
    let begun = Instant::now();
    let mut writer = CsvWriter::new(sink(), CsvStyle::default(), &HEADER)?;
    for _ in 0..many {
        writer.row(&row)?;
    }
    writer.finish()?;
    print("writing CSV", many.into(), begun);
    let begun = Instant::now();
    let mut writer = XlsxWriter::new(tempfile::tempfile()?, None, "客户", &HEADER)?;
    for number in 0..many {
        let mut row = row.clone();
        // No two rows are the same, as in a real table.
        row[1] = Cell::Text(format!("138{number:08}"));
        row[4] = Cell::Number(Decimal::from(number * 7));
        writer.row(&row)?;
    }
    let file = writer.finish()?;
    print("writing XLSX", many.into(), begun);
    println!("  ({} kB)", file.metadata()?.len() >> 10);
    read("XLSX", file)?;
    // Last, because this one stands in memory as a whole.
    let text = HEADER.join(",") + "\n" + &LINE.repeat(500_000);
    read("CSV, GB18030", Cursor::new(encoding_rs::GB18030.encode(&text).0.into_owned()))
}

fn read(name: &str, source: impl Source + 'static) -> std::result::Result<(), SheetError> {
    let begun = Instant::now();
    let mut table = open(source, &Limits::default())?;
    let opened = begun.elapsed();
    let mut rows = 0;
    while let Some(row) = table.next_row()? {
        rows += u64::from(!row.cells.is_empty());
    }
    print(name, rows, begun);
    println!("  (of it {:.2} s for looking through the file first)", opened.as_secs_f64());
    Ok(())
}

fn print(name: &str, rows: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a figure to look at"
    )]
    let rate = (rows as f64 / seconds) as u64;
    println!("{name:<32} {rows:>10} {seconds:>9.2} {rate:>12}  {}", peak().unwrap_or_default());
}

/// The most memory that the process has had, where the system tells it.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(format!("{} MB", line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? >> 10))
}
