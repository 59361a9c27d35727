//! The fourth step: the rows that were not taken, as a file like the one that came, with the reason beside them. Then the run is over.

use std::collections::VecDeque;

use foursight_kernel::Error;
use foursight_proto::customer::v1::ImportState;
use foursight_runtime::Database;
use foursight_sheets::{
    Cell, Format, Row, SheetError, Table,
    write::{CsvStyle, CsvWriter, Returned, in_memory},
};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::imports::{
    chunks::{self, Part, Reader, Writer},
    columns::Column,
    kind::{self, FieldSpec},
    reason::{Language, Reason},
    run::Run,
};

use super::{
    Stop, Work, guard,
    lines::{number, open},
};

/// The last column's name.
fn last_column(language: Language) -> &'static str {
    match language {
        Language::Chinese => "未导入原因",
        Language::English => "not imported because",
    }
}
/// Outcomes that are held.
const HELD: i64 = 5_000;

/// Writes the file, and ends the run.
pub(super) async fn report(work: &Work) -> Result<(), Stop> {
    let mut tx = work.ctx.db.begin_as_service().await?;
    let run = guard(&mut tx, &work.run).await?;
    chunks::remove(&mut tx, run.id(), Part::Errors).await?;
    tx.commit().await?;
    let error_bytes = if run.conflicts + run.errors > 0 { write(work, &run).await? } else { 0 };
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    sqlx::query!("UPDATE customer.imports SET error_bytes = $2 WHERE id = $1", run.id, error_bytes)
        .execute(&mut *tx)
        .await?;
    work.finish(&mut tx, if run.dry_run { ImportState::Checked } else { ImportState::Done }).await?;
    Ok(tx.commit().await?)
}

async fn write(work: &Work, run: &Run) -> Result<i64, Stop> {
    let reader = Reader::of(&work.ctx.db, work.key.clone(), run.id()).await?;
    let out = Writer::new(&work.ctx.db, work.key.clone(), run.id());
    let mut refused = Refused::of(&work.ctx.db, run);
    let (columns, language) = (columns(work, run)?, run.language());
    let fields = kind::of_number(run.kind)?.fields();
    tokio::task::spawn_blocking(move || {
        let mut table = open(reader)?;
        let mut file = File::like(&table, out, last_column(language))?;
        while let Some(row) = table.next_row()? {
            match refused.reasons(number(&row))? {
                Some(reasons) => file.row(&row, &in_words(&reasons, &columns, language, &fields))?,
                None if refused.over => break,
                None => {}
            }
        }
        let out = file.finish()?;
        out.finish().map_err(|error| Stop::Other(Error::internal(error)))
    })
    .await
    .map_err(Error::internal)?
}

fn columns(work: &Work, run: &Run) -> Result<Vec<Column>, Stop> {
    let import = run.to_proto(&work.ctx.keys)?;
    let column = |it: foursight_proto::customer::v1::ImportColumn| Column {
        header: it.header,
        field: it.field,
        suggestion: it.suggestion,
    };
    Ok(import.columns.into_iter().map(column).collect())
}

fn in_words(reasons: &[Reason], columns: &[Column], language: Language, fields: &[FieldSpec]) -> String {
    let (colon, between) = match language {
        Language::Chinese => ("：", "；"),
        Language::English => (": ", "; "),
    };
    let one = |reason: &Reason| {
        let words = reason.words(language, fields);
        let column = columns.iter().find(|column| !reason.field.is_empty() && column.field == reason.field);
        column.map_or_else(|| words.clone(), |column| format!("{}{colon}{words}", column.header))
    };
    reasons.iter().map(one).collect::<Vec<_>>().join(between)
}

enum File {
    Like(Box<Returned<Writer>>),
    Csv(Box<CsvWriter<Writer>>, usize),
}

impl File {
    fn like(table: &Table, out: Writer, reason: &str) -> Result<Self, SheetError> {
        // A workbook is answered by a CSV where it would be on disk in clear.
        let memory = in_memory();
        if matches!(table.format(), Format::Xlsx { .. }) && memory.is_none() {
            let mut header = table.header().to_vec();
            header.pop_if(|last| last == reason);
            let width = header.len();
            header.push(reason.to_owned());
            return Ok(Self::Csv(Box::new(CsvWriter::new(out, CsvStyle::default(), &header)?), width));
        }
        Ok(Self::Like(Box::new(Returned::like(table, out, memory, reason)?)))
    }

    fn row(&mut self, row: &Row, reason: &str) -> Result<(), SheetError> {
        match self {
            Self::Like(file) => file.row(row, reason),
            Self::Csv(file, width) => {
                let reason = Cell::from(reason);
                let cells = row.cells.iter().chain(std::iter::repeat(&Cell::Empty)).take(*width);
                file.row(cells.chain([&reason]))
            }
        }
    }

    fn finish(self) -> Result<Writer, SheetError> {
        match self {
            Self::Like(file) => file.finish(),
            Self::Csv(file, _) => file.finish(),
        }
    }
}

/// The rows that were not taken, in their order, some thousands at a time.
struct Refused {
    db: Database,
    runtime: Handle,
    id: uuid::Uuid,
    held: VecDeque<(i64, Option<Value>)>,
    after: i64,
    over: bool,
}

impl Refused {
    fn of(db: &Database, run: &Run) -> Self {
        let (db, runtime) = (db.clone(), Handle::current());
        Self { db, runtime, id: run.id, held: VecDeque::new(), after: 0, over: false }
    }

    /// Why this row was not taken; rows are asked for in their order.
    fn reasons(&mut self, number: i64) -> Result<Option<Vec<Reason>>, Stop> {
        if self.held.is_empty() && !self.over {
            self.fetch()?;
        }
        if self.held.front().is_none_or(|(next, _)| *next != number) {
            return Ok(None);
        }
        let reasons = self.held.pop_front().and_then(|(_, reasons)| reasons);
        let reasons = reasons.map_or(Ok(Vec::new()), serde_json::from_value);
        Ok(Some(reasons.map_err(Error::internal)?))
    }

    fn fetch(&mut self) -> Result<(), Stop> {
        let (db, id, after) = (self.db.clone(), self.id, self.after);
        let rows = self.runtime.block_on(async move {
            let mut tx = db.begin_as_service().await?;
            let rows = sqlx::query!(
                "SELECT row_number, reasons FROM customer.import_rows
                 WHERE import_id = $1 AND row_number > $2 AND outcome IN (4, 5) ORDER BY row_number LIMIT $3",
                id,
                after,
                HELD,
            );
            Ok::<_, Stop>(rows.fetch_all(&mut *tx).await?)
        })?;
        self.over = rows.is_empty();
        self.after = rows.last().map_or(self.after, |last| last.row_number);
        self.held.extend(rows.into_iter().map(|row| (row.row_number, row.reasons)));
        Ok(())
    }
}
