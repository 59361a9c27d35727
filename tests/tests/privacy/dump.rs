//! A schema's whole content, and the logs' below a data folder.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};

/// What a schema holds.
pub(crate) struct Dump {
    /// How many tables there are.
    pub(crate) tables: usize,
    /// Each table that is not empty, with its content as bytes.
    pub(crate) contents: Vec<(String, Vec<u8>)>,
}

/// Every row of every table: text as it is, and binary columns as they are, not as their hexadecimal form, in which nothing
/// would be found.
pub(crate) async fn schema(owner: &mut PgConnection, schema: &str) -> Result<Dump> {
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), a.atttypid = 'bytea'::regtype
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm') ORDER BY 1, a.attnum",
    )
    .bind(schema)
    .fetch_all(&mut *owner)
    .await?;
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for (table, column, binary) in columns {
        let expression = if binary {
            format!("coalesce({column}, '')")
        } else {
            format!("convert_to(coalesce({column}::text, ''), 'UTF8')")
        };
        match tables.last_mut().filter(|(name, _)| *name == table) {
            Some((_, expressions)) => expressions.push(expression),
            None => tables.push((table, vec![expression])),
        }
    }
    let mut contents = Vec::new();
    for (table, expressions) in &tables {
        let query = format!("SELECT {} FROM {table}", expressions.join(" || '\\x0a'::bytea || "));
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut *owner)
            .await
            .with_context(|| table.clone())?;
        if !rows.is_empty() {
            contents.push((table.clone(), rows.join(&b'\n')));
        }
    }
    Ok(Dump { tables: tables.len(), contents })
}

/// Every log of the servers below a data folder.
pub(crate) fn logs(data: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        // A server's own data are its own business; what it prints is ours.
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            let is_log = path.extension().is_some_and(|extension| extension == "log");
            if path.is_dir() {
                folders.push(path);
            } else if is_log {
                let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
                found.push((path.display().to_string(), bytes));
            }
        }
    }
    Ok(found)
}
