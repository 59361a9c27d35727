//! Looking for what is left.

use anyhow::{Result, ensure};
use foursight::erasure::{Report, verify};
use foursight_kernel::{Clock, SystemClock};
use foursight_messaging::{Bus, NewEvent, outbox::PastEvent, topology::Topology};
use foursight_tests::world::{SERVICES, World};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// What the story's customer and everybody at the store said and wrote, and by what the customer is found, sealed and not.
pub(crate) async fn said_of(owner: &mut PgConnection, customer: Uuid) -> Result<Vec<String>> {
    let said: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT display_name FROM customer.customers WHERE id = $1
         UNION SELECT encode(sealed, 'hex') FROM customer.contact_points WHERE customer_id = $1
         UNION SELECT encode(hash, 'hex') FROM customer.contact_points WHERE customer_id = $1
         UNION SELECT encode(wrapped, 'hex') FROM customer.customer_keys WHERE customer_id = $1
         UNION SELECT plate FROM customer.deliveries WHERE customer_id = $1
         UNION SELECT description FROM complaint.cases WHERE customer_id = $1
         UNION SELECT note FROM complaint.steps s JOIN complaint.cases c ON c.id = s.case_id
               WHERE c.customer_id = $1 AND s.note <> ''
         UNION SELECT note FROM notification.call_attempts a JOIN notification.call_tasks t ON t.id = a.call_task_id
               WHERE t.customer_id = $1",
    )
    .bind(customer)
    .fetch_all(&mut *owner)
    .await?;
    // What others say, too, is nobody's: the demo group's words repeat.
    let mut theirs = Vec::new();
    for text in said.into_iter().flatten().filter(|text| text.chars().count() > 1) {
        let others: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM complaint.steps s JOIN complaint.cases c ON c.id = s.case_id
                     WHERE s.note = $2 AND c.customer_id IS DISTINCT FROM $1)
                  + (SELECT count(*) FROM complaint.cases c WHERE c.description = $2 AND c.customer_id IS DISTINCT FROM $1)
                  + (SELECT count(*) FROM notification.call_attempts a JOIN notification.call_tasks t ON t.id = a.call_task_id
                     WHERE a.note = $2 AND t.customer_id <> $1)",
        )
        .bind(customer)
        .bind(&text)
        .fetch_one(&mut *owner)
        .await?;
        if others == 0 {
            theirs.push(text);
        }
    }
    Ok(theirs)
}

/// The tables that have a text anywhere, binary columns in hexadecimal included.
pub(crate) async fn holders(owner: &mut PgConnection, text: &str) -> Result<Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace::regnamespace::text = ANY ($1) AND relkind = 'r' ORDER BY 1",
    )
    .bind(SERVICES.map(str::to_owned).to_vec())
    .fetch_all(&mut *owner)
    .await?;
    let mut holders = Vec::new();
    for table in tables {
        let query =
            format!("SELECT EXISTS (SELECT FROM {table} t WHERE position($1 IN to_jsonb(t)::text) > 0)");
        let has: bool = sqlx::query_scalar(AssertSqlSafe(query)).bind(text).fetch_one(&mut *owner).await?;
        if has {
            holders.push(table);
        }
    }
    Ok(holders)
}

pub(crate) async fn bus(world: &World) -> Result<Bus> {
    Ok(Bus::connect(&world.up.ready.nats, "test", Topology::new(world.settings()?.nats.prefix, 1)).await?)
}

pub(crate) async fn look(world: &World, id: &str) -> Result<Report> {
    verify(&world.settings()?, &bus(world).await?, id).await
}

pub(crate) fn clean(report: &Report) -> Result<()> {
    ensure!(report.findings.is_empty(), "{:#?}", report.findings);
    // The seals, the key, five schemas, five streams and the dead letters.
    ensure!(report.looked_at.len() == 15, "{:#?}", report.looked_at);
    Ok(())
}

pub(crate) fn found(report: &Report, wanted: &str) -> Result<()> {
    ensure!(
        report.findings.iter().any(|finding| finding.contains(wanted)),
        "not found: {wanted}: {:#?}",
        report.findings
    );
    Ok(())
}

pub(crate) async fn tell(world: &World, service: &str, event: NewEvent) -> Result<()> {
    let now = SystemClock.now();
    let id = Uuid::from_u128(number(now, service));
    world.up.running().bus.tell(service, PastEvent { id, at: now, event }).await?;
    Ok(())
}

/// A number that no other call has had.
pub(crate) fn number(now: jiff::Timestamp, salt: &str) -> u128 {
    now.as_nanosecond().unsigned_abs().wrapping_mul(1_000).wrapping_add(salt.bytes().map(u128::from).sum())
}
