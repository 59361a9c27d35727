//! The page to read: Chinese first, English beside it. It needs nothing but itself.

use std::fmt::Write;

use foursight_kernel::CustomerId;
use jiff::Timestamp;
use serde_json::Value;

use super::{Known, words};

/// Makes the page.
pub(super) fn make(customer: CustomerId, now: Timestamp, known: &[Known]) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>个人信息副本 · Copy of personal data</title>\
         <style>body{font:15px/1.6 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
         table{border-collapse:collapse;margin:0 0 1em;width:100%}td{border:1px solid #ccc;padding:.2em .6em;vertical-align:top}\
         td:first-child{width:18em;color:#555}h2{border-bottom:2px solid #333}</style>\
         <h1>个人信息副本<br><small>Copy of personal data</small></h1>",
    );
    let said = format!("{} · {now}", customer.name());
    let _ = write!(page, "<p>{}</p>", escaped(&said));
    for Known { service, tables } in known {
        let (zh, en) = words::service(service);
        let _ = write!(page, "<h2>{zh} <small>{en}</small></h2>");
        if tables.is_empty() {
            page.push_str("<p>没有记录 · Nothing is kept</p>");
        }
        for (table, rows) in tables {
            let (zh, en) = words::table(table);
            let _ = write!(page, "<h3>{zh} <small>{}</small></h3>", escaped(en));
            for row in rows {
                write_row(&mut page, table, row);
            }
        }
    }
    page.push_str("</html>");
    page
}

fn write_row(page: &mut String, table: &str, row: &Value) {
    page.push_str("<table>");
    for (column, value) in row.as_object().into_iter().flatten().filter(|(_, value)| is_said(value)) {
        let label = words::column(column).map_or_else(|| column.clone(), |zh| format!("{zh} {column}"));
        let text = words::of_enum(table, column, value).unwrap_or_else(|| plain(value));
        let _ = write!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(&label), escaped(&text));
    }
    page.push_str("</table>");
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}
