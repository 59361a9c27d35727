//! The file's rows, read on threads that may wait, some thousands ahead of who takes them.

use std::{num::NonZero, sync::Arc, thread};

use foursight_kernel::{Error, Result};
use foursight_sheets::{Limits, Mapping, Row, SheetError, Table};
use tokio::sync::mpsc;

use crate::imports::{
    chunks::Reader,
    columns::{Column, Columns},
    kind::Kind,
    reading::Reading,
    reason::{Code, Reason},
};

use super::{Stop, Work};

/// Rows in a batch.
pub(super) const BATCH: usize = 2_000;

/// A row with what it says, or what is wrong with it.
#[derive(Debug)]
pub(in crate::imports) struct Line<T> {
    pub(in crate::imports) number: i64,
    pub(in crate::imports) said: Result<Arc<T>, Vec<Reason>>,
}

impl<T> Clone for Line<T> {
    fn clone(&self) -> Self {
        Self { number: self.number, said: self.said.clone() }
    }
}

/// What a reader gives: first the columns, then batches.
pub(super) enum Given<T> {
    Columns(Vec<Column>),
    Lines(Vec<Line<T>>),
}

/// What comes of reading.
pub(super) type Readings<T> = mpsc::Receiver<Result<Given<T>, Stop>>;

impl From<SheetError> for Stop {
    fn from(error: SheetError) -> Self {
        match error {
            // The database is away: the run goes on when it is back.
            SheetError::Io(error) => Self::Other(Error::internal(error)),
            error => Self::Failed("FILE_NOT_READABLE", error.to_string()),
        }
    }
}

/// Opens the run's table, on a thread that may wait.
pub(super) fn open(reader: Reader) -> Result<Table, Stop> {
    Ok(foursight_sheets::open(reader, &Limits::default())?)
}

/// Reads all rows behind the one of this number.
pub(super) async fn lines<K: Kind>(kind: K, work: &Work, after: i64) -> Result<Readings<K::Told>, Stop> {
    let reader = Reader::of(&work.ctx.db, work.key.clone(), work.run.id()).await?;
    let (said, before) = mappings(work).await?;
    let (keys, store, source) = (work.ctx.keys.clone(), work.run.store(), work.run.source()?);
    let (vins, today) = (work.ctx.vins, work.ctx.today());
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let give = |given| sender.blocking_send(given).is_ok();
        let read_on = || -> Result<(), Stop> {
            let mut table = open(reader)?;
            let columns = Columns::of(&kind, table.header(), &said, &before);
            let mut wanted = give(Ok(Given::Columns(columns.list.clone())));
            if let Some(trouble) = &columns.trouble {
                return Err(Stop::Failed(trouble.reason(), trouble.to_string()));
            }
            let reading = Reading { columns: &columns, keys: &keys, store, source, vins, today };
            while wanted {
                let rows = next(&mut table, after)?;
                wanted = !rows.is_empty() && give(Ok(Given::Lines(read_all(kind, &reading, &rows))));
            }
            Ok(())
        };
        if let Err(stop) = read_on() {
            // Who has stopped listening has stopped the run.
            let _ = give(Err(stop));
        }
    });
    Ok(receiver)
}

fn next(table: &mut Table, after: i64) -> Result<Vec<Row>, Stop> {
    let mut rows = Vec::with_capacity(BATCH);
    while rows.len() < BATCH {
        let Some(row) = table.next_row()? else { break };
        if number(&row) > after {
            rows.push(row);
        }
    }
    Ok(rows)
}

pub(super) fn number(row: &Row) -> i64 {
    i64::try_from(row.number).unwrap_or(i64::MAX)
}

/// On all cores.
fn read_all<K: Kind>(kind: K, reading: &Reading<'_>, rows: &[Row]) -> Vec<Line<K::Told>> {
    let one = |row: &Row| Line { number: number(row), said: kind.read(reading, row).map(Arc::new) };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = rows.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = rows
            .chunks(share)
            .map(|share| (share, scope.spawn(move || share.iter().map(one).collect::<Vec<_>>())))
            .collect();
        let mut lines = Vec::with_capacity(rows.len());
        for (share, reader) in shares {
            match reader.join() {
                Ok(read) => lines.extend(read),
                // A row that nobody thought of is that row's trouble.
                Err(_) => lines.extend(
                    share
                        .iter()
                        .map(|row| Line { number: number(row), said: Err(vec![Reason::of(Code::Internal)]) }),
                ),
            }
        }
        lines
    })
}

/// What was said for this run, and for the store before.
async fn mappings(work: &Work) -> Result<(Mapping, Mapping), Stop> {
    let field = |field: String| (!field.is_empty()).then_some(field);
    let said = work.run.mapping(&work.key)?.into_iter().map(|(header, key)| (header, field(key))).collect();
    let mut tx = work.ctx.db.begin_as_service().await?;
    let before = sqlx::query!(
        "SELECT header, field FROM customer.import_mappings WHERE store_id = $1 AND kind = $2 LIMIT 2000",
        work.run.store_id,
        work.run.kind,
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok((said, before.into_iter().map(|row| (row.header, field(row.field))).collect()))
}
