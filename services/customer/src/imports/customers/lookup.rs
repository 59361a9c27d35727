//! The files that a batch's rows lead to, and what they are now.

use std::collections::HashMap;

use foursight_kernel::Error;
use foursight_proto::customer::v1::CustomerKind;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    customers::on_file::{self, FileColumns},
    imports::{kind::Hash, run::Run, worker::Stop},
    receptions::same_person::comparable,
};

use super::{rules::Found, told::Signs};

/// A contact point that holds now.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) kind: i16,
    pub(super) sealed: Vec<u8>,
    pub(super) hash: Option<Vec<u8>>,
}

/// A file as it is now, still sealed.
pub(super) struct State {
    pub(super) columns: FileColumns,
    pub(super) points: Vec<Point>,
    /// Whether the importing store serves the customer.
    pub(super) served: bool,
}

/// All files of the group that phones and id numbers of these rows lead to.
pub(in crate::imports) async fn found(
    tx: &mut PgConnection,
    run: &Run,
    rows: &[Signs],
) -> Result<Files, Stop> {
    let cards: Vec<&[u8]> = rows.iter().filter_map(|row| row.card.as_deref()).collect();
    let phones: Vec<&[u8]> = rows.iter().flat_map(|row| row.phones.iter().map(Vec::as_slice)).collect();
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id!", c.kind AS "kind!", c.display_name AS "name!", c.national_id_hash AS "card", t.phone AS "phone",
                  EXISTS (SELECT FROM customer.customer_stores s WHERE s.customer_id = c.id AND s.store_id = $3) AS "served!"
           FROM (
               SELECT i.id, NULL::bytea AS phone
               FROM unnest($1::bytea[]) AS told (hash) JOIN customer.customers i ON i.national_id_hash = told.hash
               UNION
               SELECT p.customer_id, p.hash
               FROM unnest($2::bytea[]) AS told (hash)
               JOIN customer.contact_points p ON p.hash = told.hash AND p.exclusive AND p.end_time IS NULL
               UNION
               SELECT p.customer_id, p.hash
               FROM unnest($2::bytea[]) AS told (hash)
               JOIN customer.contact_points p
                   ON p.hash = told.hash AND NOT (p.exclusive AND p.end_time IS NULL) AND p.hash IS NOT NULL
                  AND p.end_time IS NULL AND p.kind = 1
           ) t
           JOIN customer.customers c ON c.id = t.id"#,
        &cards as _,
        &phones as _,
        run.store_id,
    )
    .fetch_all(tx)
    .await?;
    let mut files: HashMap<Uuid, Found> = HashMap::with_capacity(rows.len());
    for row in rows {
        let file = match files.entry(row.id) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => free.insert(Found {
                id: row.id.into(),
                kind: CustomerKind::try_from(i32::from(row.kind)).map_err(Error::internal)?,
                name: comparable(&row.name),
                card: row.card,
                phones: Vec::new(),
                seen: run.creator_group || row.served,
            }),
        };
        file.phones.extend(row.phone);
    }
    Ok(Files::of(files))
}

/// Files by what leads to them.
#[derive(Default)]
pub(in crate::imports) struct Files {
    files: Vec<Found>,
    by_sign: HashMap<Hash, Vec<usize>>,
}

impl Files {
    fn of(files: HashMap<Uuid, Found>) -> Self {
        let files: Vec<Found> = files.into_values().collect();
        let mut by_sign: HashMap<Hash, Vec<usize>> = HashMap::new();
        for (place, file) in files.iter().enumerate() {
            for sign in file.phones.iter().chain(&file.card) {
                by_sign.entry(sign.clone()).or_default().push(place);
            }
        }
        Self { files, by_sign }
    }

    /// Those that a row leads to.
    pub(in crate::imports) fn led_to_by(&self, row: &Signs) -> Vec<Found> {
        let signs = row.phones.iter().chain(&row.card);
        let mut places: Vec<usize> =
            signs.filter_map(|sign| self.by_sign.get(sign)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.files.get(place)).cloned().collect()
    }
}

/// What these files are now. Unless nothing is to be written, their rows are locked, always in one order.
pub(super) async fn states(
    tx: &mut PgConnection,
    run: &Run,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, State>, Stop> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    if !run.dry_run {
        sqlx::query!("SELECT FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", ids)
            .execute(&mut *tx)
            .await?;
    }
    let files = on_file::read_many(&mut *tx, ids).await?;
    let points = sqlx::query!(
        "SELECT customer_id, kind, sealed, hash FROM customer.contact_points WHERE customer_id = ANY ($1) AND end_time IS NULL",
        ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    let served = sqlx::query_scalar!(
        "SELECT customer_id FROM customer.customer_stores WHERE customer_id = ANY ($1) AND store_id = $2",
        ids,
        run.store_id,
    )
    .fetch_all(tx)
    .await?;
    let mut states: HashMap<Uuid, State> = files
        .into_iter()
        .map(|columns| (columns.id, State { columns, points: Vec::new(), served: false }))
        .collect();
    for point in points {
        if let Some(state) = states.get_mut(&point.customer_id) {
            state.points.push(Point { kind: point.kind, sealed: point.sealed, hash: point.hash });
        }
    }
    for id in served {
        if let Some(state) = states.get_mut(&id) {
            state.served = true;
        }
    }
    Ok(states)
}
