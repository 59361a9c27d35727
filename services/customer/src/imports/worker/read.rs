//! The first step: the file is read through, and who each row is noted by keyed hashes.

use foursight_kernel::{Error, sql};
use sqlx::PgConnection;

use crate::{
    bulk::write::column,
    customers::sealing::FieldKind,
    imports::{
        chunks::{self, Part},
        columns::Column,
        kind::{Hash, Kind, Told},
        run::Step,
    },
};

use super::{
    Stop, Work, guard,
    lines::{Given, Line, lines},
};

/// Reads the file through.
pub(in crate::imports) async fn read<K: Kind>(kind: K, work: &Work) -> Result<(), Stop> {
    if work.run.done_rows == 0 {
        forget(work).await?;
    }
    let mut given = lines(kind, work, work.run.done_row).await?;
    while let Some(given) = given.recv().await {
        match given? {
            Given::Columns(columns) => keep_columns(work, &columns).await?,
            Given::Lines(lines) => note(work, &lines).await?,
        }
    }
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    remember_mapping(&mut tx, work).await?;
    sqlx::query!(
        "UPDATE customer.imports SET step = $2, done_row = 0, done_rows = 0, version = version + 1, update_time = $3 WHERE id = $1",
        work.run.id,
        Step::Compare as i16,
        sql::at(work.ctx.now()) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// What a run before this one left: a dry run, or one that failed before it wrote.
async fn forget(work: &Work) -> Result<(), Stop> {
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    let id = work.run.id;
    sqlx::query!("DELETE FROM customer.import_keys WHERE import_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM customer.import_twins WHERE import_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM customer.import_rows WHERE import_id = $1", id).execute(&mut *tx).await?;
    chunks::remove(&mut tx, work.run.id(), Part::Errors).await?;
    Ok(tx.commit().await?)
}

async fn keep_columns(work: &Work, columns: &[Column]) -> Result<(), Stop> {
    let text = serde_json::to_string(columns).map_err(Error::internal)?;
    let sealed = work.key.seal(FieldKind::ImportColumns, &text)?;
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    sqlx::query!(
        "UPDATE customer.imports SET columns_sealed = $2, version = version + 1 WHERE id = $1",
        work.run.id,
        sealed,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

struct Key {
    hash: Hash,
    row: i64,
    content: i64,
    kind: i16,
}

async fn note<T: Told>(work: &Work, lines: &[Line<T>]) -> Result<(), Stop> {
    let Some(last) = lines.last() else { return Ok(()) };
    let keys: Vec<Key> = lines
        .iter()
        .filter_map(|line| line.said.as_ref().ok().map(|told| (line.number, told)))
        .flat_map(|(row, told)| {
            let content = told.content();
            told.keys().into_iter().map(move |(kind, hash)| Key { hash, row, content, kind })
        })
        .collect();
    let mut tx = work.ctx.db.begin_as_service().await?;
    guard(&mut tx, &work.run).await?;
    sqlx::query!(
        "INSERT INTO customer.import_keys (import_id, key, row_number, content, kind)
         SELECT $1, * FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::smallint[])
         ON CONFLICT DO NOTHING",
        work.run.id,
        &column(&keys, |key| key.hash.clone()),
        &column(&keys, |key| key.row),
        &column(&keys, |key| key.content),
        &column(&keys, |key| key.kind),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE customer.imports
         SET done_row = $2, done_rows = done_rows + $3, total_rows = done_rows + $3, attempts = 0, version = version + 1, update_time = $4
         WHERE id = $1",
        work.run.id,
        last.number,
        i64::try_from(lines.len()).unwrap_or_default(),
        sql::at(work.ctx.now()) as _,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// What was said for this run is known for the store's next ones.
async fn remember_mapping(tx: &mut PgConnection, work: &Work) -> Result<(), Stop> {
    let mapping = work.run.mapping(&work.key)?;
    if mapping.is_empty() {
        return Ok(());
    }
    let (headers, fields): (Vec<String>, Vec<String>) = mapping.into_iter().unzip();
    sqlx::query!(
        "INSERT INTO customer.import_mappings (store_id, kind, header, field)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[])
         ON CONFLICT (store_id, kind, header) DO UPDATE SET field = excluded.field",
        work.run.store_id,
        work.run.kind,
        &headers,
        &fields,
    )
    .execute(tx)
    .await?;
    Ok(())
}
