//! The raw thing of a create: pgbench, which writes the same row and the same outbox row, with a durable commit.

use std::{
    fmt::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;

use crate::{load::Seen, stack::Stack};

/// Makes tables like the customer service's own, with their keys, indexes and checks, but nobody's policies and no
/// foreign keys, and writes pgbench's script: the rows of a file that was created, under fresh ids.
pub(crate) async fn prepare(stack: &Stack, script: &Path) -> Result<()> {
    sqlx::raw_sql(
        "CREATE SCHEMA IF NOT EXISTS raw;
         CREATE TABLE IF NOT EXISTS raw.customers (LIKE customer.customers INCLUDING ALL);
         CREATE TABLE IF NOT EXISTS raw.outbox (LIKE customer.outbox INCLUDING ALL);",
    )
    .execute(&stack.owner)
    .await?;
    let customer =
        literals(stack, "customer.customers", "TRUE", "ORDER BY create_time DESC", &["id", "request_id"])
            .await?;
    let created = "event_type LIKE '%CustomerCreated'";
    let skipped = ["seq", "stream_seq", "published_at"];
    let event =
        literals(stack, "customer.outbox", created, "ORDER BY seq DESC", &["id", "aggregate"]).await?;
    let event: Vec<_> = event.into_iter().filter(|(name, _)| !skipped.contains(&name.as_str())).collect();
    let mut text = String::from("BEGIN;\n");
    for (table, columns) in [("raw.customers", customer), ("raw.outbox", event)] {
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        writeln!(text, "INSERT INTO {table} ({}) VALUES ({});", names.join(", "), values.join(", "))?;
    }
    text.push_str("COMMIT;\n");
    std::fs::write(script, text)?;
    Ok(())
}

/// Runs the script with so many clients for so long.
pub(crate) async fn run(stack: &Stack, script: &Path, clients: usize, time: Duration) -> Result<Seen> {
    let program = stack.prepared.servers.postgres_bin_dir().join("pgbench");
    let folder = script.parent().context("the script is in no folder")?.to_owned();
    let logs = folder.join("pgbench");
    let mut command = Command::new(program);
    command
        .arg(stack.prepared.postgres_socket_url())
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix"])
        .arg(&logs)
        .args(["--client", &clients.to_string(), "--time", &time.as_secs().to_string(), "--file"])
        .arg(script)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output =
        tokio::task::spawn_blocking(move || command.output()).await?.context("pgbench does not start")?;
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let mut took = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pgbench.")) {
            for line in std::fs::read_to_string(&path)?.lines() {
                // client, transaction, microseconds, …
                let microseconds = line.split(' ').nth(2).context("pgbench's log is not as expected")?;
                took.push(microseconds.parse::<f64>()? / 1e3);
            }
            std::fs::remove_file(path)?;
        }
    }
    Seen::new(took, time)
}

/// The columns of one row with their values as SQL; those of `fresh` get a new id each time.
async fn literals(
    stack: &Stack,
    table: &str,
    condition: &str,
    order: &str,
    fresh: &[&str],
) -> Result<Vec<(String, String)>> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
    )
    .bind(table)
    .fetch_all(&stack.owner)
    .await?;
    let values =
        columns.iter().map(|column| format!("quote_nullable({column}::text)")).collect::<Vec<_>>().join(", ");
    let row: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT ARRAY[{values}] FROM {table} WHERE {condition} {order} LIMIT 1"
    )))
    .fetch_one(&stack.owner)
    .await?;
    Ok(columns
        .into_iter()
        .zip(row)
        .map(|(column, value)| {
            let value = if fresh.contains(&column.as_str()) { "gen_random_uuid()".to_owned() } else { value };
            (column, value)
        })
        .collect())
}
