//! What a service's database role may do: use its own tables, and nothing else.

use anyhow::{Context, Result, bail, ensure};
use foursight_tests::world::{SERVICES, on_stack, run};
use sqlx::{Connection, PgConnection, error::DatabaseError};

use crate::tables::{guarded, tables};

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
                for function in [
                    "erase_customer(gen_random_uuid(), now())",
                    "erasable(gen_random_uuid())",
                    "traces_of(gen_random_uuid())",
                    "copy_of(gen_random_uuid())",
                ] {
                    refused(&mut role, &format!("SELECT * FROM {other}.{function}")).await?;
                }
                for table in tables(&mut owner, other).await? {
                    refused(&mut role, &format!("SELECT FROM {} LIMIT 1", table.name)).await?;
                    refused(&mut role, &format!("DELETE FROM {}", table.name)).await?;
                }
            }
            if service != "customer" {
                // What reads as the tables' owner is for the customer service alone.
                refused(&mut role, "SELECT customer.file_of(1::smallint, '{}', NULL)").await?;
                refused(&mut role, "SELECT * FROM customer.files('*', '{}')").await?;
                refused(&mut role, "SELECT * FROM customer.files_in_reach").await?;
                refused(&mut role, "SELECT customer.write_name_keys('{}', '{}')").await?;
                refused(
                    &mut role,
                    "SELECT customer.replate_vehicle(gen_random_uuid(), '沪A12345', now(), now())",
                )
                .await?;
                refused(
                    &mut role,
                    "SELECT * FROM customer.take_over_phone(gen_random_uuid(), NULL, now(), now())",
                )
                .await?;
                for function in [
                    "survivor_of(gen_random_uuid())",
                    "file_contents(gen_random_uuid(), NULL, NULL)",
                    "absorb_file(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), '{}', '{}', '{}', '{}', '{}', '{}')",
                    "keep_merged(gen_random_uuid(), gen_random_uuid())",
                    "part_files(gen_random_uuid(), now())",
                    "part_pair(gen_random_uuid(), gen_random_uuid(), now())",
                    "forget_merges(now(), 1)",
                ] {
                    refused(&mut role, &format!("SELECT * FROM customer.{function}")).await?;
                }
                refused(&mut role, "SELECT customer.plate_holder('沪A12345', '1M8GDM9AXKP042788')").await?;
                for function in ["remove_imported_readings", "remove_imported_deliveries"] {
                    refused(&mut role, &format!("SELECT customer.{function}(gen_random_uuid(), '{{}}')"))
                        .await?;
                }
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
