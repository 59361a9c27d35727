//! The bytes of a run, in sealed pieces: the file that came, and the one that goes back. Never anywhere in clear but in memory, a few
//! pieces at a time.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

use foursight_kernel::{Error, ImportId, Result};
use foursight_runtime::Database;
use sqlx::PgConnection;
use tokio::runtime::Handle;

use crate::customers::sealing::{DataKey, FieldKind};

/// The length of the pieces of a file that goes back, in bytes.
pub(super) const PIECE: i64 = 512 << 10;
/// Pieces that a reader holds: a workbook's parts are read in turns.
const HELD: usize = 4;

/// Which of a run's files. The numbers stand in `import_chunks.part`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    File = 1,
    Errors = 2,
}

impl Part {
    fn kind(self) -> FieldKind {
        match self {
            Self::File => FieldKind::ImportFile,
            Self::Errors => FieldKind::ImportErrors,
        }
    }
}

/// Seals a piece and adds it. It is bound to its place: pieces that somebody put in another order do not open.
pub(super) async fn add(
    tx: &mut PgConnection,
    key: &DataKey,
    id: ImportId,
    part: Part,
    start: i64,
    piece: &[u8],
) -> Result<()> {
    let placed = [&start.to_be_bytes(), piece].concat();
    sqlx::query!(
        "INSERT INTO customer.import_chunks (import_id, part, start_at, length, sealed) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        part as i16,
        start,
        i32::try_from(piece.len()).map_err(Error::internal)?,
        key.seal_bytes(part.kind(), &placed)?,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The piece that begins here, if one does.
pub(super) async fn piece(
    tx: &mut PgConnection,
    key: &DataKey,
    id: ImportId,
    part: Part,
    start: i64,
) -> Result<Option<Vec<u8>>> {
    let sealed = sqlx::query_scalar!(
        "SELECT sealed FROM customer.import_chunks WHERE import_id = $1 AND part = $2 AND start_at = $3",
        id.uuid(),
        part as i16,
        start,
    )
    .fetch_optional(tx)
    .await?;
    let Some(sealed) = sealed else { return Ok(None) };
    let mut placed = key.open_bytes(part.kind(), &sealed)?;
    if placed.get(..8) != Some(start.to_be_bytes().as_slice()) {
        return Err(Error::internal("a piece of an import stands in another place than it was sealed for"));
    }
    placed.drain(..8);
    Ok(Some(placed))
}

/// Removes a file's pieces.
pub(super) async fn remove(tx: &mut PgConnection, id: ImportId, part: Part) -> Result<()> {
    sqlx::query!(
        "DELETE FROM customer.import_chunks WHERE import_id = $1 AND part = $2",
        id.uuid(),
        part as i16
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The file that came, as a reader that holds a few pieces. For a thread that may wait.
pub(super) struct Reader {
    db: Database,
    runtime: Handle,
    key: Arc<DataKey>,
    id: ImportId,
    /// Where pieces begin; the last is where the file ends.
    starts: Arc<Vec<i64>>,
    at: i64,
    held: VecDeque<(i64, Vec<u8>)>,
}

impl Reader {
    /// A reader of the file as it is now.
    pub(super) async fn of(db: &Database, key: Arc<DataKey>, id: ImportId) -> Result<Self> {
        let mut tx = db.begin_as_service().await?;
        let pieces = sqlx::query!(
            "SELECT start_at, length FROM customer.import_chunks WHERE import_id = $1 AND part = $2 ORDER BY start_at",
            id.uuid(),
            Part::File as i16,
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut starts: Vec<i64> = pieces.iter().map(|piece| piece.start_at).collect();
        starts.push(pieces.last().map_or(0, |last| last.start_at + i64::from(last.length)));
        Ok(Self {
            db: db.clone(),
            runtime: Handle::current(),
            key,
            id,
            starts: Arc::new(starts),
            at: 0,
            held: VecDeque::with_capacity(HELD),
        })
    }

    fn end(&self) -> i64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// Has the piece that begins here among those that are held, as the last.
    fn hold(&mut self, start: i64) -> io::Result<()> {
        if let Some(place) = self.held.iter().position(|(held, _)| *held == start) {
            let piece = self.held.remove(place);
            self.held.extend(piece);
            return Ok(());
        }
        let read = async {
            let mut tx = self.db.begin_as_service().await?;
            piece(&mut tx, &self.key, self.id, Part::File, start).await
        };
        let piece = self.runtime.block_on(read).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let piece = piece.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        if self.held.len() >= HELD {
            self.held.pop_front();
        }
        self.held.push_back((start, piece));
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.end() || buffer.is_empty() {
            return Ok(0);
        }
        let place = self.starts.partition_point(|start| *start <= self.at).saturating_sub(1);
        let start = self.starts.get(place).copied().unwrap_or_default();
        self.hold(start)?;
        let within = usize::try_from(self.at - start).unwrap_or_default();
        let rest = self.held.back().and_then(|(_, piece)| piece.get(within..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += i64::try_from(length).unwrap_or_default();
        Ok(length)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => i64::try_from(at).ok(),
            SeekFrom::End(by) => self.end().checked_add(by),
            SeekFrom::Current(by) => self.at.checked_add(by),
        };
        self.at = at.filter(|at| *at >= 0).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at.unsigned_abs())
    }
}

/// The file that goes back, as a writer that seals piece by piece. For a thread that may wait.
pub(super) struct Writer {
    db: Database,
    runtime: Handle,
    key: Arc<DataKey>,
    id: ImportId,
    at: i64,
    piece: Vec<u8>,
}

impl Writer {
    pub(super) fn new(db: &Database, key: Arc<DataKey>, id: ImportId) -> Self {
        Self { db: db.clone(), runtime: Handle::current(), key, id, at: 0, piece: Vec::new() }
    }

    fn write_piece(&mut self) -> io::Result<()> {
        let length = self.piece.len().min(usize::try_from(PIECE).unwrap_or_default());
        if length == 0 {
            return Ok(());
        }
        let rest = self.piece.split_off(length);
        let piece = std::mem::replace(&mut self.piece, rest);
        let write = async {
            let mut tx = self.db.begin_as_service().await?;
            add(&mut tx, &self.key, self.id, Part::Errors, self.at, &piece).await?;
            tx.commit().await
        };
        self.runtime.block_on(write).map_err(|error| io::Error::other(format!("{error:?}")))?;
        self.at += i64::try_from(length).unwrap_or_default();
        Ok(())
    }

    /// Writes what is left; how long the file is.
    pub(super) fn finish(mut self) -> io::Result<i64> {
        while !self.piece.is_empty() {
            self.write_piece()?;
        }
        Ok(self.at)
    }
}

impl Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(buffer);
        while self.piece.len() >= usize::try_from(PIECE).unwrap_or_default() {
            self.write_piece()?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
