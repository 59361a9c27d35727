//! Taking back what rows of points did: an opposite entry for each, since none is ever changed.

use foursight_kernel::{PointsEntryId, sql};
use foursight_proto::customer::v1::PointsEntryKind;
use foursight_runtime::erasure;
use uuid::Uuid;

use crate::{
    bulk::write::column,
    imports::{
        history,
        kind::SetBack,
        outcome::{Kept, Undone, Written},
        worker::Stop,
    },
};

use super::take::entered;

struct Opposite {
    row: i64,
    id: PointsEntryId,
    customer_id: Uuid,
    points: i64,
    of: Uuid,
}

/// Sets these rows back.
pub(super) async fn set_back(back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
    erasure::hold(&mut *back.tx).await?;
    let (run, now) = (back.run, back.ctx.now());
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.subject_id).collect();
    let entries = sqlx::query!(
        "SELECT e.id, e.customer_id, e.points FROM customer.points_entries e
         JOIN customer.customers c ON c.id = e.customer_id
         WHERE e.id = ANY ($1) AND NOT EXISTS (SELECT FROM customer.points_entries o WHERE o.opposite_id = e.id)",
        &ids,
    )
    .fetch_all(&mut *back.tx)
    .await?;
    let opposites: Vec<Opposite> = rows
        .iter()
        .filter_map(|row| {
            let entry = entries.iter().find(|entry| Some(entry.id) == row.subject_id)?;
            let (customer_id, points) = (entry.customer_id, -entry.points);
            Some(Opposite { row: row.row_number, id: back.ctx.ids.next(), customer_id, points, of: entry.id })
        })
        .collect();
    sqlx::query!(
        "INSERT INTO customer.points_entries
             (id, customer_id, store_id, kind, points, occur_date, import_id, opposite_id, create_time)
         SELECT id, customer, $5, $6, points, $7, $8, opposite, $9
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[]) AS e (id, customer, points, opposite)",
        &column(&opposites, |new| new.id.uuid()),
        &column(&opposites, |new| new.customer_id),
        &column(&opposites, |new| new.points),
        &column(&opposites, |new| new.of),
        run.store_id,
        sql::number(PointsEntryKind::OpeningTakenBack),
        sql::on(history::day_of(now)) as _,
        run.id,
        sql::at(now) as _,
    )
    .execute(&mut *back.tx)
    .await?;
    let kind = PointsEntryKind::OpeningTakenBack;
    back.events.extend(opposites.iter().map(|new| entered(run, new.id, new.customer_id, kind, new.points)));
    let is_undone = |number: i64| opposites.iter().any(|new| new.row == number);
    let verdict = |number: i64| if is_undone(number) { Ok(()) } else { Err(Kept::Gone) };
    Ok(rows.iter().map(|row| (row.row_number, verdict(row.row_number))).collect())
}
