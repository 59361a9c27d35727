//! Taking back what a run did, last row first.

use std::{collections::HashMap, time::Duration};

use foursight_kernel::{CustomerId, sql};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::{
    events::v1::CustomerRemoved,
    v1::{ImportOutcome, ImportState},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    imports::{run::Run, told::Reason},
};

use super::{Stop, Work, guard, set_back::set_back};

/// Rows in a transaction.
const BATCH: i64 = 1_000;
const TRIES: u32 = 40;

/// A row that wrote something.
pub(super) struct Written {
    row_number: i64,
    outcome: i16,
    pub(super) customer_id: Option<Uuid>,
    pub(super) version: Option<i64>,
    pub(super) before: Option<Vec<u8>>,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Kept {
    #[error("the file is not there any more")]
    Gone,
    #[error("the file was changed since: decide by hand what of it is right")]
    Changed,
    #[error(
        "something newer depends on the file: a lead, a visit, a consent, another store or anything else on its timeline"
    )]
    Needed,
}

impl Kept {
    fn reason(self) -> Reason {
        let code = match self {
            Self::Gone => "FILE_GONE",
            Self::Changed => "CHANGED_SINCE",
            Self::Needed => "NEEDED_SINCE",
        };
        Reason::of(None, code, self.to_string())
    }
}

/// What became of a row: undone, or why not.
type Undone = (i64, Result<(), Kept>);

/// Takes back all rows.
pub(super) async fn undo(work: &Work) -> Result<(), Stop> {
    let mut tried = 0;
    loop {
        match batch(work).await {
            Ok(true) => tried = 0,
            Ok(false) => return Ok(()),
            Err(Stop::Clash) if tried < TRIES => {
                tried += 1;
                tokio::time::sleep(Duration::from_millis(20 << tried.min(5))).await;
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// Whether there are more.
async fn batch(work: &Work) -> Result<bool, Stop> {
    let (ctx, now) = (&work.ctx, work.ctx.now());
    let mut tx = ctx.db.begin_as_service().await?;
    sqlx::raw_sql("SET LOCAL lock_timeout = '300ms'").execute(&mut *tx).await?;
    let run = guard(&mut tx, &work.run).await?;
    let rows = sqlx::query_as!(
        Written,
        "SELECT row_number, outcome, customer_id, version, before FROM customer.import_rows
         WHERE import_id = $1 AND row_number < $2 AND outcome IN (1, 2) AND undone IS DISTINCT FROM true
         ORDER BY row_number DESC LIMIT $3",
        run.id,
        run.done_row,
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    let Some(last) = rows.last().map(|row| row.row_number) else {
        work.finish(&mut tx, ImportState::Undone).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let mut events = Vec::new();
    let mut undone = removals(&mut tx, &run, &rows, &mut events).await?;
    for row in rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Update)) {
        undone.push((row.row_number, set_back(&mut tx, work, &run, row, &mut events).await?));
    }
    let events = events.into_iter().map(|event| PastEvent { id: ctx.ids.uuid(), at: now, event }).collect();
    foursight_messaging::outbox::append_all(&mut tx, events).await?;
    note(&mut tx, &run, &undone, last, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn note(
    tx: &mut PgConnection,
    run: &Run,
    undone: &[Undone],
    last: i64,
    now: Timestamp,
) -> Result<(), Stop> {
    let reasons = |row: &Undone| row.1.err().and_then(|kept| serde_json::to_value([kept.reason()]).ok());
    sqlx::query!(
        "UPDATE customer.import_rows r SET undone = n.undone, reasons = coalesce(n.reasons, r.reasons)
         FROM unnest($2::bigint[], $3::boolean[], $4::jsonb[]) AS n (row_number, undone, reasons)
         WHERE r.import_id = $1 AND r.row_number = n.row_number",
        run.id,
        &column(undone, |row| row.0),
        &column(undone, |row| row.1.is_ok()),
        &column(undone, reasons) as _,
    )
    .execute(&mut *tx)
    .await?;
    let count = |is_undone: bool| undone.iter().filter(|row| row.1.is_ok() == is_undone).count();
    let count = |is_undone: bool| i64::try_from(count(is_undone)).unwrap_or_default();
    sqlx::query!(
        "UPDATE customer.imports
         SET done_row = $2, done_rows = done_rows + $3, undone = undone + $4, kept = kept + $5, attempts = 0, version = version + 1,
             update_time = $6
         WHERE id = $1",
        run.id,
        last,
        count(true) + count(false),
        count(true),
        count(false),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes files that the run opened.
async fn removals(
    tx: &mut PgConnection,
    run: &Run,
    rows: &[Written],
    events: &mut Vec<NewEvent>,
) -> Result<Vec<Undone>, Stop> {
    let rows: Vec<&Written> =
        rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Create)).collect();
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.customer_id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever begins anything with the customer now waits for this lock, by the foreign key, and finds no such customer.
    sqlx::query!("SELECT FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &ids)
        .execute(&mut *tx)
        .await?;
    let files = sqlx::query!(
        r#"SELECT c.id, c.version,
                  (EXISTS (SELECT FROM customer.leads l WHERE l.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.receptions r WHERE r.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.visits v WHERE v.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.vehicle_ownerships o WHERE o.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.consents k WHERE k.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.facts f WHERE f.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.customer_tags t WHERE t.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.group_memberships m WHERE m.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.value_decisions d WHERE d.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.stage_corrections s WHERE s.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.customer_values v WHERE v.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.vehicle_people p WHERE p.owner_id = c.id OR p.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.customer_relations r WHERE r.customer_id = c.id OR r.other_id = c.id)
                   OR EXISTS (SELECT FROM customer.customer_stores s WHERE s.customer_id = c.id AND s.store_id <> $2)
                   OR EXISTS (SELECT FROM customer.timeline_entries t
                              WHERE t.customer_id = c.id AND t.kind <> 'CUSTOMER_CREATED')) AS "needed!"
           FROM customer.customers c WHERE c.id = ANY ($1)"#,
        &ids,
        run.store_id,
    )
    .fetch_all(&mut *tx)
    .await?;
    let files: HashMap<Uuid, (i64, bool)> =
        files.into_iter().map(|file| (file.id, (file.version, file.needed))).collect();
    let verdict = |row: &Written| match row.customer_id.and_then(|id| files.get(&id)) {
        None => Err(Kept::Gone),
        Some((_, true)) => Err(Kept::Needed),
        Some((version, false)) if Some(*version) != row.version => Err(Kept::Changed),
        Some(_) => Ok(()),
    };
    let undone: Vec<Undone> = rows.iter().map(|row| (row.row_number, verdict(row))).collect();
    let gone: Vec<Uuid> =
        rows.iter().filter(|row| verdict(row).is_ok()).filter_map(|row| row.customer_id).collect();
    sqlx::query!("DELETE FROM customer.contact_points WHERE customer_id = ANY ($1)", &gone)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customer_keys WHERE customer_id = ANY ($1)", &gone)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customer_stores WHERE customer_id = ANY ($1)", &gone)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customers WHERE id = ANY ($1)", &gone).execute(&mut *tx).await?;
    for id in gone {
        let customer = CustomerId::from(id);
        let event = CustomerRemoved { customer: customer.name(), store: run.store().name() };
        let version = files.get(&id).map_or(1, |(version, _)| *version) + 1;
        events.push(NewEvent::new(&event, id, version, Some(run.store())));
    }
    Ok(undone)
}
