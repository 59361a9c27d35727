//! The raw thing of a create: pgbench, which writes the same row and the same outbox row, with a durable commit.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;

use crate::{load::Seen, stack::Stack};

/// Columns of the outbox that the writer of an event does not give.
const BY_OTHERS: [&str; 3] = ["seq", "stream_seq", "published_at"];

/// pgbench's scripts.
pub(crate) struct Scripts {
    /// The customer's row and the outbox row.
    pub(crate) row: PathBuf,
    /// All rows of the file (its store, its key and its contact point besides) and the outbox row.
    pub(crate) file: PathBuf,
}

/// Makes tables like the customer service's own, with their keys, indexes and checks, but nobody's policies and no
/// foreign keys, and writes scripts of the rows of a file that was created, under fresh ids.
pub(crate) async fn prepare(stack: &Stack, folder: &Path) -> Result<Scripts> {
    let newest = "create_time DESC";
    let of_newest = "customer_id = (SELECT id FROM customer.customers ORDER BY create_time DESC LIMIT 1)";
    let row = table(stack, "customers", "TRUE", newest, &["id", "request_id"]).await?;
    let mut file = row.clone();
    for (name, fresh) in [
        ("customer_stores", &["customer_id"][..]),
        ("customer_keys", &["customer_id"]),
        ("contact_points", &["customer_id", "id"]),
    ] {
        file.push_str(&table(stack, name, of_newest, "1", fresh).await?);
    }
    let created = "event_type LIKE '%CustomerCreated'";
    let event = table(stack, "outbox", created, "seq DESC", &["id", "aggregate"]).await?;
    let scripts = Scripts { row: folder.join("row.sql"), file: folder.join("file.sql") };
    std::fs::write(&scripts.row, format!("BEGIN;\n{row}{event}COMMIT;\n"))?;
    std::fs::write(&scripts.file, format!("BEGIN;\n{file}{event}COMMIT;\n"))?;
    Ok(scripts)
}

/// Makes a table like the customer service's, and answers with the statement that writes a row like the newest one there.
async fn table(stack: &Stack, name: &str, condition: &str, order: &str, fresh: &[&str]) -> Result<String> {
    sqlx::raw_sql(AssertSqlSafe(format!(
        "CREATE SCHEMA IF NOT EXISTS raw; CREATE TABLE raw.{name} (LIKE customer.{name} INCLUDING ALL)"
    )))
    .execute(&stack.owner)
    .await?;
    let columns = literals(stack, &format!("customer.{name}"), condition, order, fresh).await?;
    let (names, values): (Vec<_>, Vec<_>) =
        columns.into_iter().filter(|(column, _)| !BY_OTHERS.contains(&column.as_str())).unzip();
    Ok(format!("INSERT INTO raw.{name} ({}) VALUES ({});\n", names.join(", "), values.join(", ")))
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
        "SELECT ARRAY[{values}] FROM {table} WHERE {condition} ORDER BY {order} LIMIT 1"
    )))
    .fetch_one(&stack.owner)
    .await?;
    Ok(columns
        .into_iter()
        .zip(row)
        .map(|(column, value)| {
            let value = match column.as_str() {
                fresh_id if fresh.contains(&fresh_id) => "gen_random_uuid()".to_owned(),
                // Nobody has a number that another one has.
                "hash" | "tail_hash" => "sha256(uuid_send(gen_random_uuid()))".to_owned(),
                _ => value,
            };
            (column, value)
        })
        .collect())
}
