//! The second lock: which rows the database itself lets a store's staff see and change, whatever the program above it asks.
//!
//! For each table an oracle says which rows those are, evaluated by the owner, whom row-level security does not bind.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use foursight_tests::{
    names::id_of,
    world::{SERVICES, World, on_stack, run},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction, error::DatabaseError};
use uuid::Uuid;

use crate::tables::{ASKING_VIEWS, FREE, first_column, guarded, is_shared, tables};

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
        // What is read through a view is read with the reader's own reach, or the view asks for it itself.
        let lax: Vec<String> = sqlx::query_scalar(
            "SELECT c.oid::regclass::text FROM pg_class c
             WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text = ANY ($1)
               AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
               AND NOT c.oid::regclass::text = ANY ($2)",
        )
        .bind(SERVICES.map(str::to_owned).to_vec())
        .bind(ASKING_VIEWS.map(|(view, _)| view).to_vec())
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
            "customer.name_keys",
            "customer.segment_files",
            "customer.segment_store_files",
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
fn a_view_that_asks_shows_a_store_its_own_rows_and_lets_nobody_write() -> Result<()> {
    on_stack(async |world| {
        let (mut owner, stores) = (world.owner().await?, two_stores(world)?);
        for (view, rows) in ASKING_VIEWS {
            let service = view.split('.').next().context("a view has a schema")?;
            let mut role = world.service(service).await?;
            ensure!(count(&mut role, view, "true").await? == 0, "{view}: rows are seen without any reach");
            let mut expectations =
                vec![(String::new(), "false".to_owned()), ("*".to_owned(), "true".to_owned())];
            expectations.extend(stores.map(|store| (store.to_string(), format!("s.store_id = '{store}'"))));
            let mut counts = BTreeSet::new();
            for (reaching, condition) in expectations {
                let expected = count(&mut owner, rows, &condition).await?;
                let mut tx = reach(&mut role, &reaching).await?;
                let seen = count(&mut tx, view, "true").await?;
                ensure!(
                    seen == expected,
                    "{view}: {seen} rows within `{reaching}`, and {expected} are there"
                );
                tx.rollback().await?;
                counts.insert(seen);
            }
            ensure!(counts.len() > 2, "{view}: nothing is there to be hidden");
            // Asked, not tried: a view that joins is refused before its rights are looked at.
            let writes: bool =
                sqlx::query_scalar("SELECT has_table_privilege(current_user, $1, 'INSERT, UPDATE, DELETE')")
                    .bind(view)
                    .fetch_one(&mut role)
                    .await?;
            ensure!(!writes, "{view} may be written, and no policy binds who writes through it");
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

/// The story's store, and another one.
fn two_stores(world: &World) -> Result<[Uuid; 2]> {
    let own = id_of(&world.story.store)?;
    let other = world.api.stores().into_iter().find(|store| *store != world.story.store);
    Ok([own, id_of(&other.context("there is another store")?)?])
}
