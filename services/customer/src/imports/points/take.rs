//! A batch of rows of points: looked up, decided, written.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, PointsEntryId, sql};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::{
    events::v1::PointsEntered,
    v1::{ImportOutcome, PointsEntryKind},
};
use foursight_runtime::erasure;
use jiff::civil::Date;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    imports::{
        history,
        kind::{Batch, Outright, Taken},
        outcome::{Outcomes, RowOutcome},
        owner::{self, Owners},
        reason::{Code, Reason},
        run::Run,
        worker::Stop,
    },
};

use super::told::{POINTS, Told};

/// An opening balance that is to be written.
struct New {
    id: PointsEntryId,
    customer: Uuid,
    points: i64,
    day: Date,
}

/// Takes these rows.
pub(super) async fn take(batch: &mut Batch<'_, Told>) -> Result<Taken, Stop> {
    // Whoever is erased now is erased before, or finds what is written here.
    erasure::hold(&mut *batch.tx).await?;
    let lines = batch.lines;
    let told = lines.iter().filter_map(|line| line.said.as_ref().ok());
    let owners = Owners::find(batch.tx, batch.run, told.clone().map(|told| &told.owner)).await?;
    let whose: Vec<Uuid> = told.filter_map(|told| owners.of(&told.owner).ok()).collect();
    let mut known = known(batch.tx, batch.run, &whose).await?;
    let (mut outcomes, mut all) = (Outcomes::default(), Vec::new());
    for line in lines {
        match batch.outright(line) {
            Some(Outright::Refused(row)) => outcomes.push(row),
            Some(Outright::As(twin)) => outcomes.push_as(line.number, twin),
            None => {
                let Ok(told) = &line.said else { continue };
                let id = batch.ctx.ids.next::<PointsEntryId>();
                let row = match owners.of(&told.owner) {
                    Err(unclear) => owner::refused(line.number, unclear),
                    Ok(customer) => match known.get(&customer) {
                        Some(known) if known.contains(&told.points) => {
                            RowOutcome::unchanged(line.number, Some(customer))
                        }
                        Some(_) => {
                            let reason = Reason::at(POINTS, Code::OpeningDiffers);
                            RowOutcome::conflict(line.number, &[reason], Some(customer))
                        }
                        None => {
                            known.insert(customer, vec![told.points]);
                            let day = told.day.unwrap_or_else(|| history::day_of(batch.now));
                            all.push(New { id, customer, points: told.points, day });
                            let subject = (!batch.run.dry_run).then_some(id.uuid());
                            let unchanged = RowOutcome::unchanged(line.number, Some(customer));
                            RowOutcome { outcome: ImportOutcome::Create, ..unchanged }.subject(subject)
                        }
                    },
                };
                outcomes.push(row);
            }
        }
    }
    if !batch.run.dry_run {
        write(batch, &all).await?;
    }
    Ok(Taken { outcomes: outcomes.into_rows(), tried: Vec::new() })
}

/// The opening balances at the store that hold. Imports of one store's points take turns, so that nobody has two.
async fn known(
    tx: &mut PgConnection,
    run: &Run,
    customers: &[Uuid],
) -> Result<HashMap<Uuid, Vec<i64>>, Stop> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('opening points ' || $1::text, 0))",
        run.store_id.to_string(),
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        "SELECT e.customer_id, e.points FROM customer.points_entries e
         WHERE e.customer_id = ANY ($1) AND e.store_id = $2 AND e.kind = $3
           AND NOT EXISTS (SELECT FROM customer.points_entries o WHERE o.opposite_id = e.id)",
        customers,
        run.store_id,
        sql::number(PointsEntryKind::Opening),
    )
    .fetch_all(tx)
    .await?;
    // A file that absorbed another one has the balances of both.
    let mut known: HashMap<Uuid, Vec<i64>> = HashMap::new();
    for row in rows {
        known.entry(row.customer_id).or_default().push(row.points);
    }
    Ok(known)
}

async fn write(batch: &mut Batch<'_, Told>, all: &[New]) -> Result<(), Stop> {
    let (run, ctx, now) = (batch.run, batch.ctx, batch.now);
    sqlx::query!(
        "INSERT INTO customer.points_entries (id, customer_id, store_id, kind, points, occur_date, import_id, create_time)
         SELECT id, customer, $5, $6, points, day, $7, $8
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::date[]) AS e (id, customer, points, day)",
        &column(all, |new| new.id.uuid()),
        &column(all, |new| new.customer),
        &column(all, |new| new.points),
        &column(all, |new| sql::on(new.day)) as _,
        run.store_id,
        sql::number(PointsEntryKind::Opening),
        run.id,
        sql::at(now) as _,
    )
    .execute(&mut *batch.tx)
    .await?;
    let events = all.iter().map(|new| PastEvent {
        id: ctx.ids.uuid(),
        at: now,
        event: entered(run, new.id, new.customer, PointsEntryKind::Opening, new.points),
    });
    Ok(foursight_messaging::outbox::append_all(batch.tx, events.collect()).await?)
}

/// That the ledger has an entry more.
pub(super) fn entered(
    run: &Run,
    id: PointsEntryId,
    customer: Uuid,
    kind: PointsEntryKind,
    points: i64,
) -> NewEvent {
    let event = PointsEntered {
        points_entry: id.name(),
        customer: CustomerId::from(customer).name(),
        store: run.store().name(),
        kind: kind.into(),
        points,
    };
    NewEvent::new(&event, id.uuid(), 1, Some(run.store()))
}
