//! Migrations: forward only, and fit for the release before to go on running.
//!
//! Each service has a schema and a database role of its own. The role owns nothing and bypasses nothing: it may use the
//! tables of its schema. Those that a migration calls append-only, by a comment on the table, it may only add to and read:
//! whoever has got hold of the service cannot change what is on record there, such as the audit log.

use std::str::FromStr;

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};

static REACH: Migrator = sqlx::migrate!();
static STEPS: Migrator = sqlx::migrate!("./step_migrations");
static ERASURE: Migrator = sqlx::migrate!("./erasure_migrations");
static AUDIT: Migrator = sqlx::migrate!("../access/migrations");

/// What the comment on a table begins with that is only ever added to.
const APPEND_ONLY: &str = "append-only";

/// A schema that is to be brought up to date.
#[derive(Debug)]
pub struct Schema<'a> {
    /// The service's name, and the schema's.
    pub service: &'a str,
    /// The service's own migrations.
    pub migrator: &'a Migrator,
    /// The password of the service's database role.
    pub password: SecretString,
}

/// Brings schemas up to date, with the owner's connection. Running it twice, or twice at once, is harmless.
///
/// # Errors
/// When the database cannot be reached, or a migration fails; nothing of that migration remains then.
pub async fn migrate(admin_url: &str, schemas: &[Schema<'_>]) -> Result<()> {
    let options = PgConnectOptions::from_str(admin_url)?.log_statements(tracing::log::LevelFilter::Off);
    let mut connection = options.connect().await.context("the database cannot be reached as its owner")?;
    // Roles belong to the whole server: two databases that are migrated at once must not both make them.
    run(&mut connection, "SELECT pg_advisory_lock(1179602514)").await?;
    run(&mut connection, "SET client_min_messages = warning").await?;
    run(&mut connection, "SET search_path = public").await?;
    with_table(&REACH, "public._foursight_migrations").run(&mut connection).await?;
    for schema in schemas {
        migrate_schema(&mut connection, schema)
            .await
            .with_context(|| format!("the schema {}", schema.service))?;
    }
    connection.close().await?;
    Ok(())
}

/// The database role of a service.
pub fn role_of(service: &str) -> String {
    format!("foursight_{service}")
}

async fn migrate_schema(connection: &mut PgConnection, schema: &Schema<'_>) -> Result<()> {
    let (service, role) = (schema.service, role_of(schema.service));
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(&role)
        .fetch_one(&mut *connection)
        .await?;
    let password = schema.password.expose_secret().replace('\'', "''");
    let verb = if exists { "ALTER" } else { "CREATE" };
    run(
        connection,
        &format!("{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS PASSWORD '{password}'"),
    )
    .await?;
    run(connection, &format!("CREATE SCHEMA IF NOT EXISTS {service}")).await?;
    run(connection, &format!("SET search_path = {service}, public")).await?;

    with_table(&foursight_messaging::MIGRATOR, &format!("{service}._messaging_migrations"))
        .run(&mut *connection)
        .await?;
    with_table(&AUDIT, &format!("{service}._audit_migrations")).run(&mut *connection).await?;
    with_table(&STEPS, &format!("{service}._step_migrations")).run(&mut *connection).await?;
    with_table(&ERASURE, &format!("{service}._erasure_migrations")).run(&mut *connection).await?;
    with_table(schema.migrator, &format!("{service}._migrations")).run(&mut *connection).await?;

    let mut grants = vec![
        format!("GRANT USAGE ON SCHEMA {service} TO {role}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {service} TO {role}"),
        format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {role}"),
        format!(
            "REVOKE ALL ON {service}._migrations, {service}._messaging_migrations, {service}._audit_migrations,
                 {service}._step_migrations, {service}._erasure_migrations FROM {role}"
        ),
    ];
    for table in relations(connection, service, &["r", "p"], APPEND_ONLY).await? {
        grants.push(format!("REVOKE UPDATE, DELETE ON {table} FROM {role}"));
    }
    // A view writes as its owner, whom no policy binds.
    for view in relations(connection, service, &["v"], "").await? {
        grants.push(format!("REVOKE INSERT, UPDATE, DELETE ON {view} FROM {role}"));
    }
    // As one statement, which is one transaction: the service may run meanwhile, and never has what is revoked in the end.
    run(connection, &grants.join(";\n")).await
}

/// What a schema has of these kinds, with a comment that begins so.
async fn relations(
    connection: &mut PgConnection,
    service: &str,
    kinds: &[&str],
    comment: &str,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relnamespace = $1::text::regnamespace AND c.relkind::text = ANY ($2)
           AND starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), $3)",
    );
    Ok(names.bind(service).bind(kinds).bind(comment).fetch_all(connection).await?)
}

fn with_table(migrator: &Migrator, table: &str) -> Migrator {
    let mut migrator = Migrator { migrations: migrator.migrations.clone(), ..Migrator::DEFAULT };
    migrator.dangerous_set_table_name(table.to_owned());
    // The release before may still run, and a rolled-back one meets migrations that it does not know.
    migrator.set_ignore_missing(true);
    migrator
}

/// The statements are ours: names of services and a password that is quoted.
async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await?;
    Ok(())
}
