//! Holds the certificate of an erasure against what there is: every table of every service, and every stream. It is told an id, and
//! needs to know nothing of the person.

mod streams;

use anyhow::{Context, Result, ensure};
use foursight_kernel::{CustomerId, ErasureId};
use foursight_messaging::{Bus, topology::PUBLISHERS};
use foursight_runtime::{Database, Settings};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::roles;

/// Tables that may name the id as often as they like: what is told and on record are ids and codes, and the outbox is looked
/// through as the streams are.
const ON_RECORD: [&str; 2] = ["audit", "outbox"];

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// A line for each thing that was looked at.
    pub looked_at: Vec<String>,
    /// What is not as the certificate says; nothing when the customer is gone.
    pub findings: Vec<String>,
}

/// A certificate, as far as it is compared.
#[derive(Debug, Deserialize)]
struct Certificate {
    erasure: String,
    customer: String,
    services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(rename = "service")]
    name: String,
    tables: Vec<Table>,
}

#[derive(Debug, Deserialize)]
struct Table {
    #[serde(rename = "table")]
    name: String,
    kept: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    customer_id: Uuid,
    certificate: Option<String>,
    sealed: bool,
    on_record: bool,
}

/// Looks whether a customer is gone; `id` is the customer's or the erasure's.
///
/// # Errors
/// When there is no such erasure or it is not over, a database is not configured, or something does not answer: then nobody knows.
pub async fn verify(settings: &Settings, bus: &Bus, id: &str) -> Result<Report> {
    let database = Database::of(settings, "customer")?;
    let mut tx = database.begin_as_service().await.context("the customer service's database")?;
    let row = read(&mut tx, id).await?;
    let text = row.certificate.as_deref();
    let text = text.context("the erasure is not over: not every service has answered yet")?;
    let mut report = Report::default();
    report.look(
        "the seal over the certificate",
        row.sealed,
        "another text is sealed than the one that is there",
    );
    report.look("the seal in the audit log", row.on_record, "the log has another seal, or none");
    let certificate: Certificate = serde_json::from_str(text).context("the certificate cannot be read")?;
    let (erasure, customer) = (ErasureId::from(row.id), CustomerId::from(row.customer_id));
    report.look(
        "whose certificate it is",
        certificate.erasure == erasure.name() && certificate.customer == customer.name(),
        "it is another erasure's",
    );
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM customer.customer_keys WHERE customer_id = $1")
        .bind(row.customer_id)
        .fetch_one(&mut *tx)
        .await?;
    report.look("the customer's data key", keys == 0, "the key that opens what is sealed is still there");
    drop(tx);

    let services: Vec<&'static str> =
        roles::all().iter().filter(|role| role.migrator().is_some()).map(|role| role.name()).collect();
    for service in services {
        look_at_schema(&mut report, settings, service, row.customer_id, &certificate).await?;
    }
    for service in PUBLISHERS {
        streams::look_at(&mut report, bus, service, row.customer_id).await?;
    }
    streams::look_at_dead_letters(&mut report, bus, row.customer_id).await?;
    Ok(report)
}

impl Report {
    fn look(&mut self, what: &str, holds: bool, else_: &str) {
        self.looked_at.push(what.to_owned());
        if !holds {
            self.findings.push(format!("{what}: {else_}"));
        }
    }
}

async fn read(tx: &mut PgConnection, id: &str) -> Result<Row> {
    let bare = id.rsplit('/').next().unwrap_or_default();
    let bare: Uuid =
        bare.parse().context("say the customer's or the erasure's id: customers/… or erasures/…")?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT e.id, e.customer_id, e.certificate,
                coalesce(sha256(convert_to(e.certificate, 'UTF8')) = e.seal, false) AS sealed,
                EXISTS (SELECT FROM customer.audit a
                        WHERE a.method = 'CompleteErasure' AND a.resource = 'erasures/' || e.id
                          AND a.detail ->> 'seal' = encode(e.seal, 'hex')) AS on_record
         FROM customer.erasures e WHERE e.id = $1 OR e.customer_id = $1",
    )
    .bind(bare)
    .fetch_optional(tx)
    .await?;
    row.context("nobody of this id was erased")
}

/// Every column of every table of a schema that may hold an id, whoever made the table; and what an erasure would still find.
async fn look_at_schema(
    report: &mut Report,
    settings: &Settings,
    service: &str,
    customer: Uuid,
    certificate: &Certificate,
) -> Result<()> {
    let database = Database::of(settings, service)?;
    let mut tx = database.begin_as_service().await.with_context(|| format!("the database of {service}"))?;
    let answered = certificate.services.iter().find(|answer| answer.name == service);
    let kept = |table: &str| {
        let tables = answered.map(|answer| answer.tables.as_slice()).unwrap_or_default();
        tables.iter().find(|counts| counts.name == table).map_or(0, |counts| counts.kept)
    };
    let traces: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT * FROM traces_of($1)").bind(customer).fetch_all(&mut *tx).await?;
    let (columns,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p')",
    )
    .bind(service)
    .fetch_one(&mut *tx)
    .await?;
    ensure!(columns > 0, "the schema {service} has no tables");
    let mut stay = 0;
    for (table, column, found) in traces {
        if ON_RECORD.contains(&table.as_str()) {
            continue;
        }
        if found > kept(&table) {
            report.findings.push(format!(
                "{service}.{table}: {found} rows have the id in {column}, and the certificate says that {} stay",
                kept(&table)
            ));
        }
        stay += 1;
    }
    let mut erasable = 0;
    if answered.is_some() {
        let left: Vec<(String, i64)> = sqlx::query_as(
            "SELECT of_table, rows_removed + rows_blanked FROM erasable($1) WHERE rows_removed + rows_blanked > 0",
        )
        .bind(customer)
        .fetch_all(&mut *tx)
        .await?;
        for (table, rows) in left {
            report.findings.push(format!("{service}.{table}: {rows} rows say something of the customer"));
            erasable += rows;
        }
    }
    report.looked_at.push(format!(
        "{service}: {columns} columns; the id stays in {stay} of them, and {erasable} rows say something"
    ));
    Ok(())
}
