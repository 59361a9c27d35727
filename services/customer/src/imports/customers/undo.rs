//! Taking back what rows of customers did.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::CustomerRemoved, v1::ImportOutcome};
use uuid::Uuid;

use crate::imports::{
    kind::SetBack,
    outcome::{Kept, Undone, Written},
    worker::Stop,
};

/// Removes files that the run opened.
pub(super) async fn removals(back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
    let run = back.run;
    let rows: Vec<&Written> =
        rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Create)).collect();
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.customer_id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever begins anything with the customer now waits for this lock, by the foreign key, and finds no such customer.
    sqlx::query!("SELECT FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &ids)
        .execute(&mut *back.tx)
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
                   OR EXISTS (SELECT FROM customer.points_entries e WHERE e.customer_id = c.id)
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
    .fetch_all(&mut *back.tx)
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
        .execute(&mut *back.tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customer_keys WHERE customer_id = ANY ($1)", &gone)
        .execute(&mut *back.tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customer_stores WHERE customer_id = ANY ($1)", &gone)
        .execute(&mut *back.tx)
        .await?;
    sqlx::query!("DELETE FROM customer.customers WHERE id = ANY ($1)", &gone).execute(&mut *back.tx).await?;
    for id in gone {
        let customer = CustomerId::from(id);
        let event = CustomerRemoved { customer: customer.name(), store: run.store().name() };
        let version = files.get(&id).map_or(1, |(version, _)| *version) + 1;
        back.events.push(NewEvent::new(&event, id, version, Some(run.store())));
    }
    Ok(undone)
}
