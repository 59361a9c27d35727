//! Taking back what a run did, last row first.

use std::{collections::HashMap, time::Duration};

use foursight_kernel::{CustomerId, Error, sql};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::{
    events::v1::{CustomerRemoved, CustomerUpdated},
    v1::{Customer, ImportOutcome, ImportState},
};
use jiff::Timestamp;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    customers::{
        facts::{Facts, Field},
        on_file::{self, OnFile, Origin},
        open::OpenError,
        sealing::FieldKind,
    },
    imports::{run::Run, told::Reason},
};

use super::{Stop, Work, guard, plan::Before};

/// Rows in a transaction.
const BATCH: i64 = 1_000;
const TRIES: u32 = 40;

struct Row {
    row_number: i64,
    outcome: i16,
    customer_id: Option<Uuid>,
    version: Option<i64>,
    before: Option<Vec<u8>>,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Kept {
    #[error("the file is not there any more")]
    Gone,
    #[error("the file was changed since: decide by hand what of it is right")]
    Changed,
    #[error("something newer depends on the file: a lead, a visit, a consent, another store or anything else on its timeline")]
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
        Row,
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

async fn note(tx: &mut PgConnection, run: &Run, undone: &[Undone], last: i64, now: Timestamp) -> Result<(), Stop> {
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
    rows: &[Row],
    events: &mut Vec<NewEvent>,
) -> Result<Vec<Undone>, Stop> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Create)).collect();
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.customer_id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever begins anything with the customer now waits for this lock, by the foreign key, and finds no such customer.
    sqlx::query!("SELECT FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &ids).execute(&mut *tx).await?;
    let files = sqlx::query!(
        r#"SELECT c.id, c.version,
                  (EXISTS (SELECT FROM customer.leads l WHERE l.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.receptions r WHERE r.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.visits v WHERE v.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.vehicle_ownerships o WHERE o.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.consents k WHERE k.customer_id = c.id)
                   OR EXISTS (SELECT FROM customer.facts f WHERE f.customer_id = c.id)
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
    let verdict = |row: &Row| match row.customer_id.and_then(|id| files.get(&id)) {
        None => Err(Kept::Gone),
        Some((_, true)) => Err(Kept::Needed),
        Some((version, false)) if Some(*version) != row.version => Err(Kept::Changed),
        Some(_) => Ok(()),
    };
    let undone: Vec<Undone> = rows.iter().map(|row| (row.row_number, verdict(row))).collect();
    let gone: Vec<Uuid> =
        rows.iter().filter(|row| verdict(row).is_ok()).filter_map(|row| row.customer_id).collect();
    sqlx::query!("DELETE FROM customer.contact_points WHERE customer_id = ANY ($1)", &gone).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM customer.customer_keys WHERE customer_id = ANY ($1)", &gone).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM customer.customer_stores WHERE customer_id = ANY ($1)", &gone).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM customer.customers WHERE id = ANY ($1)", &gone).execute(&mut *tx).await?;
    for id in gone {
        let customer = CustomerId::from(id);
        let event = CustomerRemoved { customer: customer.name(), store: run.store().name() };
        let version = files.get(&id).map_or(1, |(version, _)| *version) + 1;
        events.push(NewEvent::new(&event, id, version, Some(run.store())));
    }
    Ok(undone)
}

/// Gives a file back what it was.
async fn set_back(
    tx: &mut PgConnection,
    work: &Work,
    run: &Run,
    row: &Row,
    events: &mut Vec<NewEvent>,
) -> Result<Result<(), Kept>, Stop> {
    let (Some(id), Some(sealed)) = (row.customer_id, &row.before) else { return Ok(Err(Kept::Gone)) };
    let Ok(file) = on_file::lock(&mut *tx, &work.ctx, id.into()).await else { return Ok(Err(Kept::Gone)) };
    if Some(file.version) != row.version {
        return Ok(Err(Kept::Changed));
    }
    let before = file.key.open_bytes(FieldKind::BeforeImport, sealed)?;
    let before: Before = serde_json::from_slice(&before).map_err(Error::internal)?;
    if before.linked && deals_here(tx, run, id).await? {
        return Ok(Err(Kept::Needed));
    }
    if is_anothers(tx, work, id, &before).await? {
        return Ok(Err(Kept::Changed));
    }
    let mut paths = Vec::new();
    let now = work.ctx.now();
    let fields: Vec<Field> = before.fields.iter().filter_map(|number| Field::of_number(*number)).collect();
    let mut version = file.version;
    if !before.points.is_empty() {
        sqlx::query!("DELETE FROM customer.contact_points WHERE customer_id = $1 AND id = ANY ($2)", id, &before.points)
            .execute(&mut *tx)
            .await?;
        paths.push("contact_points".to_owned());
    }
    if fields.is_empty() && !before.points.is_empty() {
        version += 1;
        sqlx::query!(
            "UPDATE customer.customers SET version = version + 1, update_time = $2 WHERE id = $1",
            id,
            sql::at(now) as _
        )
        .execute(&mut *tx)
        .await?;
    }
    if !fields.is_empty() {
        version = take_back(tx, work, run, &file, &fields, &before).await?;
        paths.extend(fields.iter().map(|field| field.path().to_owned()));
    }
    if before.linked {
        sqlx::query!("DELETE FROM customer.customer_stores WHERE customer_id = $1 AND store_id = $2", id, run.store_id)
            .execute(&mut *tx)
            .await?;
        paths.push("stores".to_owned());
    }
    let event = CustomerUpdated {
        customer: file.id.name(),
        store: run.store().name(),
        source: run.source()?.into(),
        fields: paths,
    };
    events.push(NewEvent::new(&event, id, version, Some(run.store())));
    Ok(Ok(()))
}

async fn take_back(
    tx: &mut PgConnection,
    work: &Work,
    run: &Run,
    file: &OnFile,
    fields: &[Field],
    before: &Before,
) -> Result<i64, Stop> {
    let was = Customer::decode(before.was.as_slice()).map_err(Error::internal)?;
    let facts = Facts::kept(&was)?;
    let origin = Origin { store: run.store(), source: run.source()?, time: work.ctx.now() };
    file.take(tx, &work.ctx, &run.creator(), (fields, &facts), origin).await.map_err(|error| match error {
        // Somebody else has the id number now: it is tried again, and told in the end.
        OpenError::Clash(_) => Stop::Clash,
        OpenError::TooManyTries(error) => Stop::Other(error.into()),
        OpenError::Other(error) => error.into(),
    })
}

/// Whether the id number that the file had is somebody else's now.
async fn is_anothers(tx: &mut PgConnection, work: &Work, id: Uuid, before: &Before) -> Result<bool, Stop> {
    let was = Customer::decode(before.was.as_slice()).map_err(Error::internal)?;
    if !before.fields.contains(&(Field::NationalId as i16)) || was.national_id.is_empty() {
        return Ok(false);
    }
    let anothers = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer.customers WHERE national_id_hash = $1 AND id <> $2) AS "anothers!""#,
        work.ctx.keys.national_id_hash(&was.national_id),
        id,
    )
    .fetch_one(tx)
    .await?;
    Ok(anothers)
}

/// Whether the store has dealings with a customer whom it came to serve by the run.
async fn deals_here(tx: &mut PgConnection, run: &Run, id: Uuid) -> Result<bool, Stop> {
    let deals = sqlx::query_scalar!(
        r#"SELECT (EXISTS (SELECT FROM customer.leads l WHERE l.customer_id = $1 AND l.store_id = $2)
                   OR EXISTS (SELECT FROM customer.receptions r WHERE r.customer_id = $1 AND r.store_id = $2)
                   OR EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = $1 AND d.store_id = $2)
                   OR EXISTS (SELECT FROM customer.visits v WHERE v.customer_id = $1 AND v.store_id = $2)) AS "deals!""#,
        id,
        run.store_id,
    )
    .fetch_one(tx)
    .await?;
    Ok(deals)
}
