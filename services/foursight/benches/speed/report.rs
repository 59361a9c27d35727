//! What was measured, as a table.

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    what: String,
    ours: String,
    raw: String,
    ratio: String,
    wanted: &'static str,
}

impl Report {
    /// Something of ours beside the raw thing. `wanted` says what the ratio should be.
    pub(crate) fn beside(
        &mut self,
        what: impl Into<String>,
        ours: f64,
        raw: f64,
        unit: &str,
        wanted: &'static str,
    ) {
        self.lines.push(Line {
            what: what.into(),
            ours: format!("{ours:.1} {unit}"),
            raw: format!("{raw:.1} {unit}"),
            ratio: format!("{:.2}", ours / raw),
            wanted,
        });
    }

    /// Something of ours that has nothing beside it.
    pub(crate) fn alone(&mut self, what: impl Into<String>, ours: f64, unit: &str, wanted: &'static str) {
        let (raw, ratio) = (String::new(), String::new());
        self.lines.push(Line { what: what.into(), ours: format!("{ours:.1} {unit}"), raw, ratio, wanted });
    }

    /// Prints it as Markdown.
    pub(crate) fn print(&self) {
        println!("\n| what | ours | raw | ratio | wanted |\n|---|---:|---:|---:|---|");
        for Line { what, ours, raw, ratio, wanted } in &self.lines {
            println!("| {what} | {ours} | {raw} | {ratio} | {wanted} |");
        }
    }
}
