//! The second lock: what the database itself lets a service's role see and do, whatever the program above it asks.
//!
//! For each table an oracle says which rows a store's staff may see, written here a second time and evaluated by the owner,
//! whom row-level security does not bind. A table that is new needs one: it has a `store_id`, or it stands in the list.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use foursight_tests::{
    names::id_of,
    world::{SERVICES, World, on_stack, run},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction, error::DatabaseError};
use uuid::Uuid;

/// Every service has these; they hold ids and codes, no client's request reads them, and the relay and the consumers go
/// through them for all stores.
const SHARED: [&str; 7] =
    ["outbox", "inbox", "audit", "audit_seals", "_migrations", "_messaging_migrations", "_audit_migrations"];

/// Tables without anything that belongs to a store or a customer.
const FREE: [&str; 7] = [
    "complaint.categories",
    "complaint.clock_policies",
    // Ids, roles and stores of staff: who may be given a lead, a call or a case.
    "customer.staff",
    "complaint.staff",
    "notification.staff",
    // Who was refused, and the keyed hash of the phone at which: counted for the whole group.
    "customer.visitor_tries",
    // Vehicle ids and when each was last in a workshop.
    "notification.vehicle_arrivals",
];

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
        | "customer.vehicle_ownerships" => {
            format!("customer_id IN ({FILES})")
        }
        "customer.vehicles" => format!("id IN ({CARS})"),
        "customer.vehicle_plates" | "customer.odometer_readings" => format!("vehicle_id IN ({CARS})"),
        "customer.timeline_entries" => {
            format!("(store_id = $store OR (store_id IS NULL AND customer_id IN ({FILES})))")
        }
        "identity.stores" => "id = $store".to_owned(),
        "identity.staff" => {
            "id IN (SELECT staff_id FROM identity.staff_stores WHERE store_id = $store)".to_owned()
        }
        // The business of the sign-in alone.
        "identity.sessions"
        | "identity.refresh_tokens"
        | "identity.sign_in_failures"
        | "identity.signing_keys" => "false".to_owned(),
        _ => return None,
    })
}

struct Table {
    /// `customer.leads`
    name: String,
    has_store: bool,
    secured: bool,
}

/// Every table of a service's schema.
async fn tables(owner: &mut PgConnection, service: &str) -> Result<Vec<Table>> {
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

fn is_shared(table: &str) -> bool {
    SHARED.iter().any(|shared| table.ends_with(&format!(".{shared}")))
}

/// The tables that belong to stores, with what a store's staff may see of each.
async fn guarded(owner: &mut PgConnection, service: &str) -> Result<Vec<(String, String)>> {
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

#[test]
fn every_table_that_belongs_to_a_store_is_under_row_level_security() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        let mut seen = 0;
        for service in SERVICES {
            for table in tables(&mut owner, service).await? {
                if is_shared(&table.name) || (FREE.contains(&table.name.as_str()) && !table.has_store) {
                    continue;
                }
                ensure!(table.secured, "{} has no row-level security", table.name);
                seen += 1;
            }
        }
        ensure!(seen > 30, "only {seen} tables were looked at");
        // What is read through a view is read with the reader's own reach.
        let lax: Vec<String> = sqlx::query_scalar(
            "SELECT c.oid::regclass::text FROM pg_class c
             WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text = ANY ($1)
               AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)",
        )
        .bind(SERVICES.map(str::to_owned).to_vec())
        .fetch_all(&mut owner)
        .await?;
        ensure!(lax.is_empty(), "these views read with their owner's reach: {lax:?}");
        Ok(())
    })
}

#[test]
fn a_store_sees_its_own_rows_and_no_others() -> Result<()> {
    on_stack(async |world| {
        let (mut owner, stores) = (world.owner().await?, two_stores(world)?);
        let mut with_others = BTreeSet::new();
        for service in SERVICES {
            let mut role = world.service(service).await?;
            for (table, oracle) in guarded(&mut owner, service).await? {
                let all = count(&mut owner, &table, "true").await?;
                let (mut nobody, mut group) = (reach(&mut role, "").await?, 0);
                ensure!(
                    count(&mut nobody, &table, "true").await? == 0,
                    "{table}: rows are seen with an empty reach"
                );
                nobody.rollback().await?;
                // Who says nothing at all reaches nothing.
                ensure!(
                    count(&mut role, &table, "true").await? == 0,
                    "{table}: rows are seen without any reach"
                );
                let mut everybody = reach(&mut role, "*").await?;
                group += count(&mut everybody, &table, "true").await?;
                everybody.rollback().await?;
                ensure!(group == all, "{table}: the group's reach sees {group} of {all} rows");
                for store in stores {
                    let own = oracle.replace("$store", &format!("'{store}'"));
                    let expected = count(&mut owner, &table, &own).await?;
                    let mut tx = reach(&mut role, &store.to_string()).await?;
                    let seen = count(&mut tx, &table, "true").await?;
                    tx.rollback().await?;
                    ensure!(
                        seen == expected,
                        "{table}: {store} sees {seen} rows, and {expected} are its own"
                    );
                    if all > expected {
                        with_others.insert(table.clone());
                    }
                }
            }
        }
        // So that it was not proven on empty tables.
        for table in [
            "customer.customers",
            "customer.contact_points",
            "customer.leads",
            "customer.visits",
            "complaint.cases",
            "notification.call_tasks",
            "analytics.deliveries",
            "identity.staff",
        ] {
            ensure!(with_others.contains(table), "{table} has no rows of other stores to hide");
        }
        Ok(())
    })
}

#[test]
fn a_store_can_neither_change_nor_remove_nor_add_what_is_not_its_own() -> Result<()> {
    on_stack(async |world| {
        let (mut owner, [_, stranger]) = (world.owner().await?, two_stores(world)?);
        let mut tried = 0;
        for service in SERVICES {
            let mut role = world.service(service).await?;
            for (table, oracle) in guarded(&mut owner, service).await? {
                let others = oracle.replace("$store", &format!("'{stranger}'"));
                let places = format!(
                    "SELECT coalesce(array_agg(ctid::text), '{{}}')::text FROM {table} WHERE NOT coalesce(({others}), false)"
                );
                let places: String = sqlx::query_scalar(AssertSqlSafe(places)).fetch_one(&mut owner).await?;
                if places == "{}" {
                    continue;
                }
                tried += 1;
                let column = first_column(&mut owner, &table).await?;
                let there = format!("ctid = ANY ('{places}'::tid[])");
                for statement in [
                    format!("UPDATE {table} SET {column} = {column} WHERE {there}"),
                    format!("DELETE FROM {table} WHERE {there}"),
                ] {
                    let mut tx = reach(&mut role, &stranger.to_string()).await?;
                    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await;
                    let rows = done.map_or(0, |done| done.rows_affected());
                    ensure!(rows == 0, "{table}: {rows} rows of other stores were written by {stranger}");
                    tx.rollback().await?;
                }
                add(&mut owner, &mut role, &table, &others, stranger).await?;
            }
        }
        ensure!(tried > 20, "only {tried} tables had rows of other stores");
        Ok(())
    })
}

/// A row of another store, once more: row-level security refuses it before any constraint is asked.
async fn add(
    owner: &mut PgConnection,
    role: &mut PgConnection,
    table: &str,
    others: &str,
    store: Uuid,
) -> Result<()> {
    let row =
        format!("SELECT to_jsonb(t)::text FROM {table} t WHERE NOT coalesce(({others}), false) LIMIT 1");
    let row: String = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *owner).await?;
    let columns: String = sqlx::query_scalar(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
    )
    .bind(table)
    .fetch_one(owner)
    .await?;
    let insert = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1::text::jsonb)"
    );
    let mut tx = reach(role, &store.to_string()).await?;
    let done = sqlx::query(AssertSqlSafe(insert)).bind(row).execute(&mut *tx).await;
    let Err(error) = done else { bail!("{table}: {store} added a row of another store") };
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    // A customer's key says nothing and may be made before its file is seen; there is one already.
    let expected = if table == "customer.customer_keys" { "23505" } else { "42501" };
    ensure!(code == expected, "{table}: adding another store's row is answered with {error}");
    tx.rollback().await?;
    Ok(())
}

#[test]
fn a_service_s_role_owns_nothing_and_cannot_make_itself_more() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        for service in SERVICES {
            let (might, tables): (bool, i64) = sqlx::query_as(
                "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication,
                        (SELECT count(*) FROM pg_class WHERE relowner = r.oid)
                 FROM pg_roles r WHERE rolname = 'foursight_' || $1",
            )
            .bind(service)
            .fetch_one(&mut owner)
            .await?;
            ensure!(
                !might && tables == 0,
                "foursight_{service} has more than it needs, or owns {tables} tables"
            );

            let mut role = world.service(service).await?;
            for (table, _) in guarded(&mut owner, service).await? {
                for statement in [
                    format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
                    format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"),
                    format!("CREATE POLICY all_of_it ON {table} USING (true)"),
                    format!("TRUNCATE {table}"),
                    format!("SET row_security = off; SELECT FROM {table}"),
                ] {
                    refused(&mut role, &statement).await.with_context(|| service.to_owned())?;
                }
            }
            for statement in [
                "SET ROLE postgres".to_owned(),
                "SET SESSION AUTHORIZATION postgres".to_owned(),
                format!("ALTER ROLE foursight_{service} BYPASSRLS"),
                "SET session_replication_role = replica".to_owned(),
                format!("CREATE TABLE {service}.mine (id int)"),
                "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
                "SELECT pg_read_file('postgresql.conf')".to_owned(),
                "SELECT rolpassword FROM pg_authid".to_owned(),
                format!("SELECT * FROM {service}._migrations"),
            ] {
                refused(&mut role, &statement).await.with_context(|| service.to_owned())?;
            }
        }
        Ok(())
    })
}

#[test]
fn no_service_reads_or_writes_another_s_schema() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        for service in SERVICES {
            let mut role = world.service(service).await?;
            run(&mut role, "SET foursight.reach = '*'").await?;
            for other in SERVICES.into_iter().filter(|other| *other != service) {
                for table in tables(&mut owner, other).await? {
                    refused(&mut role, &format!("SELECT FROM {} LIMIT 1", table.name)).await?;
                    refused(&mut role, &format!("DELETE FROM {}", table.name)).await?;
                }
            }
            if service != "customer" {
                // What reads as the tables' owner is for the customer service alone.
                refused(&mut role, "SELECT customer.file_of(1::smallint, '{}', NULL)").await?;
                refused(&mut role, "SELECT * FROM customer.files('*', '{}')").await?;
                refused(&mut role, "SELECT * FROM customer.files_at_counter(1::smallint, '{}', NULL)")
                    .await?;
                refused(
                    &mut role,
                    "SELECT * FROM customer.vehicle_presented('1M8GDM9AXKP042788', '沪A12345', NULL)",
                )
                .await?;
                refused(&mut role, "SELECT * FROM customer.vehicle_at_hand(NULL, '1M8GDM9AXKP042788')")
                    .await?;
            }
        }
        Ok(())
    })
}

/// The role has no right to this.
pub(crate) async fn refused(role: &mut PgConnection, statement: &str) -> Result<()> {
    let mut tx = role.begin().await?;
    let done = run(&mut tx, statement).await;
    let Err(error) = done else { bail!("nobody refuses: {statement}") };
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    ensure!(code == "42501", "{statement} fails for another reason: {error}");
    tx.rollback().await?;
    Ok(())
}

/// A transaction of the role with a store's reach.
async fn reach<'c>(role: &'c mut PgConnection, stores: &str) -> Result<PgTransaction<'c>> {
    let mut tx = role.begin().await?;
    run(&mut tx, &format!("SET LOCAL foursight.reach = '{stores}'")).await?;
    Ok(tx)
}

async fn count(connection: &mut PgConnection, table: &str, condition: &str) -> Result<i64> {
    let query = format!("SELECT count(*) FROM {table} WHERE {condition}");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(connection).await.with_context(|| table.to_owned())
}

pub(crate) async fn first_column(owner: &mut PgConnection, table: &str) -> Result<String> {
    let column = sqlx::query_scalar(
        "SELECT quote_ident(attname) FROM pg_attribute
         WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
         ORDER BY attnum LIMIT 1",
    );
    Ok(column.bind(table).fetch_one(owner).await?)
}

/// The story's store, and another one.
fn two_stores(world: &World) -> Result<[Uuid; 2]> {
    let own = id_of(&world.story.store)?;
    let other = world.api.stores().into_iter().find(|store| *store != world.story.store);
    Ok([own, id_of(&other.context("there is another store")?)?])
}
