//! What was done stays on record: nobody changes, removes or moves a row of the audit log without being found out.

use anyhow::{Context, Result, ensure};
use foursight::audit::{Finding, examine};
use foursight_access::audit::{Verdict, end, seal, verify};
use foursight_messaging::{Bus, anchors, topology::Topology};
use foursight_tests::{
    names::id_of,
    world::{World, on_stack, run, until},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction};

use crate::{roles::refused, tables::first_column};

/// What somebody might do to two rows, as the owner of everything; `$a` and `$b` are their numbers.
const TAMPERING: [(&str, &str); 6] = [
    ("a changed method", "UPDATE audit SET method = 'GetCustomer' WHERE seq = $a"),
    ("another subject", "UPDATE audit SET subject = 'staff/nobody' WHERE seq = $a"),
    ("another time", "UPDATE audit SET at = at + interval '1 second' WHERE seq = $a"),
    ("a removed row", "DELETE FROM audit WHERE seq = $a"),
    (
        "two rows in each other's place",
        "UPDATE audit t SET at = o.at, subject = o.subject, reach = o.reach, method = o.method, resource = o.resource,
             store_id = o.store_id, detail = o.detail, trace_id = o.trace_id
         FROM audit o WHERE (t.seq, o.seq) IN (($a, $b), ($b, $a))",
    ),
    (
        "two links of the chain in each other's place",
        "UPDATE audit_seals SET audit_seq = -1 WHERE audit_seq = $a;
         UPDATE audit_seals SET audit_seq = $a WHERE audit_seq = $b;
         UPDATE audit_seals SET audit_seq = $b WHERE audit_seq = -1",
    ),
];

#[test]
fn a_changed_a_removed_and_a_moved_row_are_found() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        for service in ["customer", "complaint"] {
            let (first, other) =
                sealed(world, &mut owner, service).await.with_context(|| service.to_owned())?;
            for (what, statements) in TAMPERING {
                let mut tx = begin(&mut owner, service).await?;
                let statements =
                    statements.replace("$a", &first.to_string()).replace("$b", &other.to_string());
                run(&mut tx, &statements).await.with_context(|| format!("{service}: {what}"))?;
                let verdict = verify(&mut tx).await?;
                ensure!(
                    matches!(verdict, Verdict::Broken { .. }),
                    "{service}: {what} is not found: {verdict:?}"
                );
                tx.rollback().await?;
            }
            let mut tx = begin(&mut owner, service).await?;
            ensure!(
                matches!(verify(&mut tx).await?, Verdict::Whole(_)),
                "{service}: nothing was done in the end"
            );
            tx.rollback().await?;
        }
        Ok(())
    })
}

/// What somebody might do to a log's end, as the owner of everything: which leaves a chain that holds. `$n` rows go.
const CUT: &str =
    "DELETE FROM audit WHERE seq IN (SELECT audit_seq FROM audit_seals ORDER BY link DESC LIMIT $n);
     DELETE FROM audit_seals s WHERE NOT EXISTS (SELECT FROM audit a WHERE a.seq = s.audit_seq)";

/// More rows than were cut off.
const GO_ON: &str = "INSERT INTO audit (at, subject, reach, method, resource, detail)
     SELECT now(), 'test', 'stores', 'Test', 'tests/1', '{}' FROM generate_series(1, 10)";

#[test]
fn an_end_that_was_cut_off_with_its_seals_is_missed() -> Result<()> {
    on_stack(async |world| {
        let (mut owner, bus) = (world.owner().await?, &world.up.running().bus);
        for service in ["customer", "complaint"] {
            sealed(world, &mut owner, service).await?;
            let mut tx = begin(&mut owner, service).await?;
            let end = end(&mut tx).await?.context("nothing is sealed")?.link;
            until("the end is anchored", async || {
                world.up.running().round(service, "seal-audit").await?;
                Ok(anchors::last(bus, service).await?.is_some_and(|last| last.link >= end))
            })
            .await?;
            let whole = examine(&mut tx, bus, service).await?;
            ensure!(whole.findings.is_empty() && whole.anchors > 0, "{service}: {whole:?}");

            for (count, left) in [(1, end - 1), (end, 0)] {
                let mut cut = tx.begin().await?;
                run(&mut cut, &CUT.replace("$n", &count.to_string())).await?;
                let found = examine(&mut cut, bus, service).await?.findings;
                ensure!(
                    matches!(found[..], [Finding::CutOff { end, .. }] if end == left.unsigned_abs()),
                    "{service}: {count} rows less: {found:?}"
                );
                run(&mut cut, GO_ON).await?;
                seal(&mut cut, 100, i64::MAX / 2).await?;
                if count < 10 {
                    ensure!(
                        matches!(verify(&mut cut).await?, Verdict::Whole(_)),
                        "{service}: the chain holds"
                    );
                    // Of a log that was cut off whole the first of its anchors tells, and it may have had several rounds.
                    let found = examine(&mut cut, bus, service).await?.findings;
                    ensure!(
                        matches!(found[..], [Finding::Replaced { link }] if link == end || (left == 0 && link < end)),
                        "{service}: cut off and gone on: {found:?}"
                    );
                }
                cut.rollback().await?;
            }
            tx.rollback().await?;
        }
        Ok(())
    })
}

#[test]
fn a_log_that_cannot_be_compared_with_its_anchors_is_told() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        sealed(world, &mut owner, "customer").await?;
        let mut tx = begin(&mut owner, "customer").await?;
        let nobody = Bus::connect(&world.up.ready.nats, "test", Topology::new("nobody", 1)).await?;
        let found = examine(&mut tx, &nobody, "customer").await?.findings;
        ensure!(matches!(found[..], [Finding::NoAnchor]), "{found:?}");

        let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let away = Bus::connect(&format!("nats://{closed}"), "test", Topology::new("foursight", 1)).await?;
        let examined = examine(&mut tx, &away, "customer").await?;
        ensure!(matches!(examined.findings[..], [Finding::AnchorsAway(_)]), "{examined:?}");
        ensure!(examined.rows > 0, "the chain itself was walked");
        Ok(tx.rollback().await?)
    })
}

#[test]
fn every_change_that_the_story_made_is_on_record() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        for (service, methods) in [
            (
                "customer",
                &[
                    "CreateReception",
                    "RecordConsent",
                    "CreateLead",
                    "GradeLead",
                    "CreateDelivery",
                    "CreateVisit",
                    "CompleteVisit",
                ][..],
            ),
            ("notification", &["RecordCallAttempt"][..]),
            ("complaint", &["AssignCase", "ReplyCase", "HandleCase", "TellCaseResult", "RevisitCase"][..]),
        ] {
            let query = format!("SELECT DISTINCT method FROM {service}.audit WHERE subject LIKE 'staff/%'");
            let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut owner).await?;
            for method in methods {
                ensure!(
                    found.iter().any(|each| each == method),
                    "{service}: no row tells of {method}: {found:?}"
                );
            }
        }
        Ok(())
    })
}

/// What every service has on record, and what some have besides.
const ON_RECORD: [(&str, &[&str]); 5] = [
    ("identity", &["audit", "audit_seals", "erased_customers", "step_requests"]),
    (
        "customer",
        &[
            "audit",
            "audit_seals",
            "consents",
            "deliveries",
            "erased_customers",
            "export_ends",
            "exports",
            "facts",
            "odometer_corrections",
            "odometer_readings",
            "plate_corrections",
            "points_entries",
            "receptions",
            "stage_corrections",
            "step_requests",
            "value_decisions",
            "vehicle_facts",
        ],
    ),
    (
        "notification",
        &["audit", "audit_seals", "call_attempts", "erased_customers", "message_decisions", "step_requests"],
    ),
    (
        "complaint",
        &[
            "audit",
            "audit_seals",
            "categories",
            "clock_policies",
            "erased_customers",
            "step_requests",
            "steps",
        ],
    ),
    ("analytics", &["audit", "audit_seals", "erased_customers", "step_requests"]),
];

#[test]
fn a_service_can_only_add_to_what_is_on_record() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        for (service, on_record) in ON_RECORD {
            let closed: Vec<String> = sqlx::query_scalar(
                "SELECT relname::text FROM pg_class
                 WHERE relnamespace = $1::text::regnamespace AND obj_description(oid, 'pg_class') LIKE 'append-only: %' ORDER BY 1",
            )
            .bind(service)
            .fetch_all(&mut owner)
            .await?;
            ensure!(closed == on_record, "{service} has {closed:?} on record");
            let mut role = world.service(service).await?;
            run(&mut role, "SET foursight.reach = '*'").await?;
            for table in on_record {
                let column = first_column(&mut owner, &format!("{service}.{table}")).await?;
                run(&mut role, &format!("SELECT {column} FROM {table} LIMIT 1")).await?;
                for statement in [
                    format!("UPDATE {table} SET {column} = {column}"),
                    format!("DELETE FROM {table}"),
                    format!("TRUNCATE {table}"),
                    format!("DROP TABLE {table}"),
                ] {
                    refused(&mut role, &statement).await.with_context(|| service.to_owned())?;
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_store_adds_to_the_audit_log_and_reads_none_of_it() -> Result<()> {
    on_stack(async |world| {
        let store = id_of(&world.story.store)?;
        for (service, _) in ON_RECORD {
            let mut role = world.service(service).await?;
            let rows = "SELECT count(*) FROM audit";
            let add = "INSERT INTO audit (at, subject, reach, method, resource, detail) VALUES (now(), 'test', 'stores', 'Test', 'tests/1', '{}')";
            for reach in [String::new(), store.to_string()] {
                let mut tx = role.begin().await?;
                run(&mut tx, &format!("SET LOCAL foursight.reach = '{reach}'")).await?;
                run(&mut tx, add).await.with_context(|| format!("{service} with the reach {reach:?}"))?;
                let seen: i64 = sqlx::query_scalar(rows).fetch_one(&mut *tx).await?;
                ensure!(seen == 0, "{service}: {seen} audit rows are seen with the reach {reach:?}");
                run(&mut tx, "SET LOCAL foursight.reach = '*'").await?;
                let seen: i64 = sqlx::query_scalar(rows).fetch_one(&mut *tx).await?;
                ensure!(seen > 0, "{service}: who reaches the group does not see what was added");
                tx.rollback().await?;
            }
        }
        Ok(())
    })
}

/// Two rows that differ, once every row is in the chain.
async fn sealed(world: &World, owner: &mut PgConnection, service: &str) -> Result<(i64, i64)> {
    until("every audit row is sealed", async || {
        world.up.running().round(service, "seal-audit").await?;
        let query = format!(
            "SELECT (SELECT count(*) FROM {service}.audit) = (SELECT count(*) FROM {service}.audit_seals)"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut *owner).await?)
    })
    .await?;
    let query = format!(
        "SELECT a.seq, b.seq FROM {service}.audit a JOIN {service}.audit b ON b.seq > a.seq AND (b.method, b.resource) <> (a.method, a.resource)
         ORDER BY a.seq, b.seq LIMIT 1"
    );
    sqlx::query_as(AssertSqlSafe(query))
        .fetch_one(owner)
        .await
        .context("there are not two audit rows to move")
}

async fn begin<'c>(owner: &'c mut PgConnection, service: &str) -> Result<PgTransaction<'c>> {
    let mut tx = owner.begin().await?;
    run(&mut tx, &format!("SET LOCAL search_path = {service}, public")).await?;
    Ok(tx)
}
