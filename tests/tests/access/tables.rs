//! What the tables of the services are, and whose rows they have: an oracle, written here a second time.
//!
//! A table that is new needs one: it has a `store_id`, or it stands in a list.

use anyhow::{Result, bail};
use sqlx::PgConnection;

/// Every service has these; they hold ids and codes, no client's request reads them, and the relay and the consumers go
/// through them for all stores.
const SHARED: [&str; 10] = [
    "outbox",
    "inbox",
    "audit",
    "audit_seals",
    "_migrations",
    "_messaging_migrations",
    "_audit_migrations",
    "_step_migrations",
    "_erasure_migrations",
    // Ids of who is nobody any more.
    "erased_customers",
];

/// Tables without anything that belongs to a store or a customer.
pub(crate) const FREE: [&str; 17] = [
    // Since when the figures are made again, and the ids of the events that are still to come.
    "analytics.rebuild",
    "analytics.rebuild_events",
    "complaint.categories",
    "complaint.clock_policies",
    // Ids, roles and stores of staff: who may be given a lead, a call or a case.
    "customer.staff",
    "complaint.staff",
    "notification.staff",
    // Who was refused, and the keyed hash of the phone at which: counted for the whole group.
    "customer.visitor_tries",
    // The group's words for customers, and where its tiers begin.
    "customer.tags",
    "customer.value_bounds",
    // How far the looking for duplicates is, and pairs of ids that it has still to compare.
    "customer.duplicate_pass",
    "customer.duplicate_work",
    // In which region each store is.
    "customer.stores",
    // How far the night's look at stages is.
    "customer.stage_pass",
    // Ids of files that were merged.
    "complaint.customer_merges",
    "notification.customer_merges",
    // Vehicle ids and when each was last in a workshop.
    "notification.vehicle_arrivals",
];

/// Views that read as their owner and ask for the reach themselves, each with what it joins (`s` has the store).
pub(crate) const ASKING_VIEWS: [(&str, &str); 1] = [(
    "customer.files_in_reach",
    "customer.customer_stores s LEFT JOIN customer.contact_points p ON p.customer_id = s.customer_id",
)];

const FILES: &str = "SELECT customer_id FROM customer.customer_stores WHERE store_id = $store";
const CARS: &str = "SELECT vehicle_id FROM customer.vehicle_ownerships WHERE customer_id IN (SELECT customer_id FROM customer.customer_stores WHERE store_id = $store)";

/// Which rows of a table a store's staff may see, where that is not `store_id = $store`.
fn oracle_of(table: &str) -> Option<String> {
    Some(match table {
        // A file belongs to every store that serves the customer, whichever store opened it.
        "customer.customers" => format!("id IN ({FILES})"),
        "customer.customer_keys"
        | "customer.contact_points"
        | "customer.consents"
        | "customer.facts"
        | "customer.named_files"
        | "customer.customer_tags"
        | "customer.group_memberships"
        | "customer.customer_values"
        | "customer.value_decisions"
        | "customer.stage_corrections"
        | "customer.points_entries"
        | "customer.vehicle_ownerships" => {
            format!("customer_id IN ({FILES})")
        }
        // Seen from both sides: the owner's, and that of who it is.
        "customer.vehicle_people" => format!("(owner_id IN ({FILES}) OR customer_id IN ({FILES}))"),
        // Seen from both sides, too.
        "customer.customer_relations" => format!("(customer_id IN ({FILES}) OR other_id IN ({FILES}))"),
        // A merge belongs to whose file it is now.
        "customer.merges" => format!("customer.survivor_of(survivor_id) IN ({FILES})"),
        // A pair shows two files.
        "customer.duplicates" => format!("(low_id IN ({FILES}) AND high_id IN ({FILES}))"),
        // What belongs to a run is its store's, unless somebody of headquarters, who sees all files, has it.
        "customer.imports" => "(store_id = $store AND NOT creator_group)".to_owned(),
        "customer.import_chunks"
        | "customer.import_keys"
        | "customer.import_twins"
        | "customer.import_rows" => {
            "import_id IN (SELECT id FROM customer.imports WHERE store_id = $store AND NOT creator_group)"
                .to_owned()
        }
        "customer.vehicles" => format!("id IN ({CARS})"),
        "customer.vehicle_plates"
        | "customer.odometer_readings"
        | "customer.odometer_corrections"
        | "customer.plate_corrections"
        | "customer.vehicle_facts" => {
            format!("vehicle_id IN ({CARS})")
        }
        "customer.timeline_entries" => {
            format!("(store_id = $store OR (store_id IS NULL AND customer_id IN ({FILES})))")
        }
        // The group's are everybody's to use.
        "customer.segments" => "(store_id = $store OR store_id IS NULL)".to_owned(),
        "identity.stores" => "id = $store".to_owned(),
        "identity.staff" => {
            "id IN (SELECT staff_id FROM identity.staff_stores WHERE store_id = $store)".to_owned()
        }
        // The business of who reaches the whole group: who was erased; and of the sign-in alone.
        "customer.erasures"
        | "customer.erasure_answers"
        | "customer.merge_rows"
        | "customer.retention_rules"
        | "identity.sessions"
        | "identity.refresh_tokens"
        | "identity.sign_in_failures"
        | "identity.signing_keys" => "false".to_owned(),
        _ => return None,
    })
}

pub(crate) struct Table {
    /// `customer.leads`
    pub(crate) name: String,
    pub(crate) has_store: bool,
    pub(crate) secured: bool,
}

/// Every table of a service's schema.
pub(crate) async fn tables(owner: &mut PgConnection, service: &str) -> Result<Vec<Table>> {
    let rows: Vec<(String, bool, bool)> = sqlx::query_as(
        "SELECT c.relname::text, c.relrowsecurity,
                EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'store_id' AND NOT a.attisdropped)
         FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .bind(service)
    .fetch_all(owner)
    .await?;
    let table = |(name, secured, has_store)| Table { name: format!("{service}.{name}"), has_store, secured };
    Ok(rows.into_iter().map(table).collect())
}

pub(crate) fn is_shared(table: &str) -> bool {
    SHARED.iter().any(|shared| table.ends_with(&format!(".{shared}")))
}

/// The tables that belong to stores, with what a store's staff may see of each.
pub(crate) async fn guarded(owner: &mut PgConnection, service: &str) -> Result<Vec<(String, String)>> {
    let mut guarded = Vec::new();
    for table in tables(owner, service).await? {
        if is_shared(&table.name) || FREE.contains(&table.name.as_str()) {
            continue;
        }
        let oracle = match oracle_of(&table.name) {
            Some(oracle) => oracle,
            None if table.has_store => "store_id = $store".to_owned(),
            None => bail!("{}: say here whose rows it has, or that it is nobody's", table.name),
        };
        guarded.push((table.name, oracle));
    }
    Ok(guarded)
}

/// A column that can be written.
pub(crate) async fn first_column(owner: &mut PgConnection, table: &str) -> Result<String> {
    let column = sqlx::query_scalar(
        "SELECT quote_ident(attname) FROM pg_attribute
         WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
         ORDER BY attnum LIMIT 1",
    );
    Ok(column.bind(table).fetch_one(owner).await?)
}
