//! Whether anything was written, and whether anything went wrong behind an answer.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use foursight_tests::world::{SERVICES, World};
use sqlx::AssertSqlSafe;

/// Written by whoever asks, also in vain: who was there, and who guessed a password.
const BY_ASKING: [&str; 5] = ["audit", "audit_seals", "sessions", "refresh_tokens", "sign_in_failures"];

/// What time alone changes: deadlines pass, reminders fall due, old visits count no more. Of these only the number of rows is compared.
const BY_TIME: [&str; 4] = ["cases", "clocks", "messages", "customer_values"];

/// And what is told of it. A request that writes here writes to another table, too.
const BY_TELLING: [&str; 4] = ["outbox", "inbox", "message_decisions", "timeline_entries"];

/// How much there is of everything, and what it says.
pub(crate) async fn fingerprints(world: &World) -> Result<BTreeMap<String, (i64, String)>> {
    let mut owner = world.owner().await?;
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT relnamespace::regnamespace::text, relname::text FROM pg_class
         WHERE relkind = 'r' AND relnamespace::regnamespace::text = ANY ($1) ORDER BY 1, 2",
    )
    .bind(SERVICES.map(str::to_owned).to_vec())
    .fetch_all(&mut owner)
    .await?;
    let mut found = BTreeMap::new();
    for (schema, table) in tables {
        let name = table.as_str();
        if BY_ASKING.contains(&name) || BY_TELLING.contains(&name) {
            continue;
        }
        let content = if BY_TIME.contains(&name) {
            "''"
        } else {
            "coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
        };
        let query = format!("SELECT count(*), {content} FROM {schema}.{table} t");
        let row = sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut owner).await?;
        found.insert(format!("{schema}.{table}"), row);
    }
    ensure!(found.len() > 35, "only {} tables are compared", found.len());
    Ok(found)
}

/// Checks that nothing was written.
///
/// # Errors
/// When something was; the message names the tables.
pub(crate) fn unchanged(
    before: &BTreeMap<String, (i64, String)>,
    after: &BTreeMap<String, (i64, String)>,
) -> Result<()> {
    let changed: Vec<_> = before
        .iter()
        .filter(|(table, was)| after.get(*table) != Some(was))
        .map(|(table, was)| format!("{table}: {} rows, then {:?}", was.0, after.get(table).map(|is| is.0)))
        .collect();
    ensure!(changed.is_empty(), "refused requests have written something: {}", changed.join(", "));
    Ok(())
}

/// Checks that no request made a handler fail in a way that nobody planned.
///
/// # Errors
/// When one did; the message has the line of the log.
pub(crate) fn no_trouble_in_the_log(world: &World) -> Result<()> {
    let log = world.log()?;
    ensure!(!log.is_empty(), "there is no log to look at");
    let trouble: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("panicked") || line.contains(r#""level":"ERROR""#))
        .take(5)
        .collect();
    ensure!(trouble.is_empty(), "the log tells of trouble:\n{}", trouble.join("\n"));
    Ok(())
}
