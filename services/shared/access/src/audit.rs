//! The audit log: who saw or changed what, when, from where.
//!
//! A row costs the writer one insert in the transaction of the change itself. The tamper-evident chain over the rows is
//! sealed afterwards, in batches, by one worker ([`seal`]), so that no two writers ever wait for each other. Rows and
//! seals can only be added: the service's own role may neither change nor remove them. [`verify`] finds a row that was
//! changed, removed or moved by somebody with more rights than that. What it cannot find is an end that was cut off together
//! with its seals: for that the chain's ends are kept outside the database, too, and [`missing`] compares.

use std::sync::LazyLock;

use aws_lc_rs::digest::{Context, SHA256};
use foursight_kernel::{Result, StoreId, sql, trace};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, postgres::PgArguments, query::Query};

use crate::{Principal, Reach};

/// What was done.
#[derive(Debug, Clone)]
pub struct Action<'a> {
    /// The method's short name, for example `GradeLead`.
    pub method: &'static str,
    /// What it was done to: `leads/{id}`.
    pub resource: &'a str,
    /// At which store, where there is one.
    pub store: Option<StoreId>,
    /// Ids and codes that say more; never personal data.
    pub detail: Value,
}

/// Adds a row to the audit log, in the transaction of the change.
pub async fn record(
    tx: &mut PgConnection,
    caller: &Principal,
    now: Timestamp,
    action: Action<'_>,
) -> Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| insert(1));
    bind(sqlx::query(AssertSqlSafe(INSERT.as_str())), caller, now, action).execute(tx).await?;
    Ok(())
}

/// The statement that adds a row, with its eight values from `$first` on.
pub fn insert(first: usize) -> String {
    let values: Vec<String> = (first..first + 8).map(|place| format!("${place}")).collect();
    format!(
        "INSERT INTO audit (at, subject, reach, method, resource, store_id, detail, trace_id) VALUES ({})",
        values.join(", ")
    )
}

/// Gives [`insert`] its values.
pub fn bind<'q>(
    statement: Query<'q, Postgres, PgArguments>,
    caller: &Principal,
    now: Timestamp,
    action: Action<'_>,
) -> Query<'q, Postgres, PgArguments> {
    statement
        .bind(sql::at(now))
        .bind(caller.subject.name())
        .bind(match caller.reach {
            Reach::Group => "group",
            Reach::Stores(_) => "stores",
        })
        .bind(action.method)
        .bind(action.resource.to_owned())
        .bind(action.store.map(StoreId::uuid))
        .bind(action.detail)
        .bind(trace::trace_id())
}

/// A row as its hash sees it: every column in order, as Postgres prints it.
const ROW_TEXT: &str = "jsonb_build_array(a.seq, extract(epoch FROM a.at)::text, a.subject, a.reach, a.method, a.resource, \
     a.store_id, a.detail, a.trace_id)::text";

/// Seals up to `limit` rows that are not in the chain yet; returns how many. Only one worker at a time may call it for a
/// schema (the chain has one end); the caller holds the lock. Rows become visible in another order than that of their
/// numbers, so it looks back over so many numbers before the last that is sealed.
pub async fn seal(tx: &mut PgConnection, limit: i64, back: i64) -> Result<u64> {
    let (mut link, mut hash) = end(&mut *tx).await?.map_or((0, Vec::new()), |last| (last.link, last.hash));
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT a.seq, {ROW_TEXT} FROM audit a
         WHERE NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_seq = a.seq)
           AND a.seq > coalesce((SELECT max(s.audit_seq) FROM audit_seals s), 0) - $2
         ORDER BY a.seq LIMIT $1"
    )))
    .bind(limit)
    .bind(back)
    .fetch_all(&mut *tx)
    .await?;
    let (mut links, mut seqs, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        link += 1;
        hash = next_hash(&hash, link, &row.try_get::<String, _>(1)?);
        links.push(link);
        seqs.push(row.try_get::<i64, _>(0)?);
        hashes.push(hash.clone());
    }
    sqlx::query("INSERT INTO audit_seals (link, audit_seq, hash) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])")
        .bind(links)
        .bind(seqs)
        .bind(hashes)
        .execute(tx)
        .await?;
    Ok(rows.len() as u64)
}

/// A place in the chain with its hash, which stands for every row up to there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The place, from 1.
    pub link: i64,
    /// SHA-256 over all before.
    pub hash: Vec<u8>,
}

/// The chain's end; `None` while nothing is sealed.
pub async fn end(tx: &mut PgConnection) -> Result<Option<Seal>> {
    let last = sqlx::query_as("SELECT link, hash FROM audit_seals ORDER BY link DESC LIMIT 1")
        .fetch_optional(tx)
        .await?;
    Ok(last.map(|(link, hash)| Seal { link, hash }))
}

/// The first of these seals that the chain has not: whether it has another there, or ends before.
pub async fn missing(tx: &mut PgConnection, seals: Vec<Seal>) -> Result<Option<i64>> {
    let (links, hashes): (Vec<i64>, Vec<Vec<u8>>) =
        seals.into_iter().map(|seal| (seal.link, seal.hash)).unzip();
    let first = sqlx::query_scalar(
        "SELECT min(k.link) FROM unnest($1::bigint[], $2::bytea[]) AS k (link, hash)
         WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.link = k.link AND s.hash = k.hash)",
    );
    Ok(first.bind(links).bind(hashes).fetch_one(tx).await?)
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every link holds; so many.
    Whole(u64),
    /// The first link that does not hold.
    Broken {
        /// The link's place in the chain, from 1.
        link: i64,
    },
}

/// Walks the chain from its beginning.
pub async fn verify(tx: &mut PgConnection) -> Result<Verdict> {
    const STEP: i64 = 5_000;
    let (mut link, mut hash) = (0_i64, Vec::new());
    loop {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT s.link, s.hash, {ROW_TEXT} FROM audit_seals s LEFT JOIN audit a ON a.seq = s.audit_seq
             WHERE s.link > $1 ORDER BY s.link LIMIT $2"
        )))
        .bind(link)
        .bind(STEP)
        .fetch_all(&mut *tx)
        .await?;
        if rows.is_empty() {
            return Ok(Verdict::Whole(link.unsigned_abs()));
        }
        for row in rows {
            let text: Option<String> = row.try_get(2)?;
            let expected = text.map(|text| next_hash(&hash, link + 1, &text));
            let found: Vec<u8> = row.try_get(1)?;
            if row.try_get::<i64, _>(0)? != link + 1 || expected.as_ref() != Some(&found) {
                return Ok(Verdict::Broken { link: link + 1 });
            }
            (link, hash) = (link + 1, found);
        }
    }
}

/// SHA-256 over the hash before, the place in the chain, and the row.
fn next_hash(before: &[u8], link: i64, row: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(&link.to_be_bytes());
    context.update(row.as_bytes());
    context.finish().as_ref().to_vec()
}
