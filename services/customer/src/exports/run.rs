//! `ExportCustomers`: from the list to the pieces of the file.

use std::{collections::HashMap, sync::Arc, time::Duration};

use foursight_access::Principal;
use foursight_kernel::{Error, ExportId, Result};
use foursight_proto::{
    customer::v1::{ExportCustomersRequest, ExportFormat},
    google::api::HttpBody,
};
use foursight_sheets::Cell;
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::spawn_blocking,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    ExportError, MOST_IN_XLSX,
    columns::Columns,
    record,
    request::{self, Source, Wanted},
    table::{Table, Written},
};
use crate::{context::Context, customers, store_days, tags};

/// Files that are read at once.
const BATCH: i64 = 2_000;
/// Batches that are read and opened at the same time.
const ABREAST: usize = 2;
/// Bytes in a message.
const PIECE: usize = 256 << 10;
/// Messages that wait for who reads.
const WAITING: usize = 4;
/// For how long nobody reads before it ends.
const PATIENCE: Duration = Duration::from_mins(1);

type Pieces = BoxStream<'static, Result<HttpBody, Status>>;

/// Begins an export: the file's name and its pieces.
///
/// # Errors
/// Those of [`request::read`], `EXPORT_TOO_LARGE`, `TOO_MANY_EXPORTS`.
pub(super) async fn export(
    ctx: &Context,
    permits: &Arc<Semaphore>,
    caller: &Principal,
    request: ExportCustomersRequest,
) -> Result<(String, Pieces)> {
    let (wanted, source) = request::read(ctx, caller, &request).await?;
    if let (ExportFormat::Xlsx, Source::Segment(members)) = (wanted.format, &source)
        && members.count(ctx, caller).await? > MOST_IN_XLSX
    {
        return Err(ExportError::TooLarge.into());
    }
    let permit = permits.clone().try_acquire_owned().map_err(|_| ExportError::TooMany)?;
    let zone = match wanted.store {
        Some(store) => ctx.days.zone(store).await,
        None => store_days::usual(),
    };
    let mut tx = ctx.db.begin(caller).await?;
    let tags = tags::names(&mut tx, None).await?;
    drop(tx);
    let columns = Columns { chinese: wanted.chinese, zone: zone.clone(), tags };
    let id = record::begin(ctx, caller, &wanted).await?;
    let (kind, ending) = match wanted.format {
        ExportFormat::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ExportFormat::Csv | ExportFormat::Unspecified => ("text/csv; charset=utf-8", "csv"),
    };
    let name = format!("customers-{}.{ending}", ctx.now().to_zoned(zone).strftime("%Y%m%d-%H%M%S"));
    let (pieces, mut receive) = mpsc::channel(WAITING);
    let run = Run {
        ctx: ctx.clone(),
        caller: caller.clone(),
        columns: Arc::new(columns),
        wanted,
        kind,
        pieces,
        rows: 0,
        _permit: permit,
    };
    tokio::spawn(run.follow(id, source));
    Ok((name, stream::poll_fn(move |context| receive.poll_recv(context)).boxed()))
}

/// An export under way.
struct Run {
    ctx: Context,
    caller: Principal,
    columns: Arc<Columns>,
    wanted: Wanted,
    /// What the file is, for HTTP.
    kind: &'static str,
    pieces: mpsc::Sender<Result<HttpBody, Status>>,
    /// How many rows left.
    rows: i64,
    _permit: OwnedSemaphorePermit,
}

/// Why a file is not whole.
enum Broken {
    /// Nobody reads.
    Unread,
    By(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::By(error)
    }
}

impl Run {
    async fn follow(mut self, id: ExportId, source: Source) {
        let ended = self.write(source).await;
        let how = (self.rows, ended.is_ok());
        // Before the stream ends, so that a file that is whole has its end on record.
        let noted = record::end(&self.ctx, &self.caller, (id, self.wanted.store), how).await;
        if let Err(error) = &noted {
            tracing::error!(%error, export = %id.uuid(), "how an export ended is not on record");
        }
        let ((Err(Broken::By(broken)), _) | (Ok(()), Err(broken))) = (ended, noted) else { return };
        // Nobody may be there any more to hear it.
        self.pieces.send_timeout(Err(broken.into()), PATIENCE).await.ok();
    }

    async fn write(&mut self, source: Source) -> Result<(), Broken> {
        // At once, so that whoever waits knows that it has begun.
        self.send(Vec::new()).await?;
        let out = Written::default();
        let mut table =
            Table::begin(self.wanted.format, out.clone(), &self.columns.header()).map_err(Error::internal)?;
        let mut batches = batches(&self.ctx, &self.caller, source, self.opening()).boxed();
        while let Some(rows) = batches.try_next().await? {
            let count = i64::try_from(rows.len()).unwrap_or_default();
            if self.wanted.format == ExportFormat::Xlsx && self.rows + count > MOST_IN_XLSX {
                return Err(Error::from(ExportError::TooLarge).into());
            }
            let written = spawn_blocking(move || table.rows(&rows).map(|()| table)).await;
            table = written.map_err(Error::internal)?.map_err(Error::internal)?;
            self.pass_on(&out).await?;
            self.rows += count;
        }
        spawn_blocking(move || table.finish()).await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.pass_on(&out).await
    }

    /// How a batch's files become rows.
    fn opening(&self) -> impl Fn(Vec<customers::FileRow>) -> Result<Vec<Vec<Cell>>> + Clone + Send + 'static {
        let (keys, columns, shown) = (self.ctx.keys.clone(), self.columns.clone(), self.wanted.shown);
        move |rows| {
            let files = customers::open_all(&rows, &keys, shown)?;
            Ok(files.iter().map(|file| columns.row(file)).collect())
        }
    }

    async fn pass_on(&self, out: &Written) -> Result<(), Broken> {
        let bytes = out.take();
        if bytes.is_empty() {
            // So that whoever waits knows that it goes on.
            return self.send(Vec::new()).await;
        }
        for piece in bytes.chunks(PIECE) {
            self.send(piece.to_vec()).await?;
        }
        Ok(())
    }

    async fn send(&self, data: Vec<u8>) -> Result<(), Broken> {
        let piece =
            HttpBody { content_type: self.kind.to_owned(), data: data.into(), extensions: Vec::new() };
        self.pieces.send_timeout(Ok(piece), PATIENCE).await.map_err(|_| Broken::Unread)
    }
}

/// The rows of the files, batch by batch in the order of the list; while one is written, others are read.
fn batches(
    ctx: &Context,
    caller: &Principal,
    source: Source,
    opening: impl Fn(Vec<customers::FileRow>) -> Result<Vec<Vec<Cell>>> + Clone + Send + 'static,
) -> impl futures::Stream<Item = Result<Vec<Vec<Cell>>>> + Send {
    let (ctx, caller) = (ctx.clone(), caller.clone());
    let ids = stream::try_unfold((source, ctx.clone(), caller.clone()), async |(mut source, ctx, caller)| {
        let next = source.next(&ctx, &caller, BATCH).await?;
        Ok::<_, Error>(next.map(|ids| (ids, (source, ctx, caller))))
    });
    ids.map_ok(move |ids| rows(ctx.clone(), caller.clone(), ids, opening.clone())).try_buffered(ABREAST)
}

async fn rows(
    ctx: Context,
    caller: Principal,
    ids: Vec<Uuid>,
    opening: impl FnOnce(Vec<customers::FileRow>) -> Result<Vec<Vec<Cell>>> + Send + 'static,
) -> Result<Vec<Vec<Cell>>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.db.begin(&caller).await?;
    let mut files = customers::rows_of(&mut tx, &ids).await?;
    drop(tx);
    let places: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    files.sort_by_key(|file| places.get(&file.id()).copied());
    spawn_blocking(move || opening(files)).await.map_err(Error::internal)?
}
