//! What a private stack is before its roles run: servers, a migrated database, a configuration.

use std::{fmt::Write as _, sync::Arc};

use anyhow::Result;
use foursight_local::{Options, Ports, Stack};
use foursight_runtime::{Settings, migrate};
use secrecy::SecretString;
use sqlx::{ConnectOptions, Connection, migrate::MigrateError, postgres::PgConnectOptions};

use super::{
    DATABASE, OTHER_BUILD, Plan,
    layout::{self, Layout},
    secrets::Secrets,
};
use crate::roles;

/// A private stack whose roles do not run yet.
pub struct Prepared {
    /// What lies where.
    pub layout: Layout,
    /// Postgres, NATS and Redis, which run.
    pub servers: Stack,
    /// What the roles are to be run with; [`Layout::configuration`] holds the same.
    pub settings: Arc<Settings>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl Prepared {
    /// The database's address, as its owner.
    pub fn postgres_url(&self) -> String {
        self.servers.postgres_url(DATABASE)
    }

    /// The same, over the socket, as the services have it.
    pub fn postgres_socket_url(&self) -> String {
        self.servers.postgres_socket_url(DATABASE)
    }
}

impl Plan {
    /// Starts the servers, brings the database up to date and writes the configuration.
    ///
    /// # Errors
    /// When something is missing or taken; the message says what to do.
    pub async fn prepare(&self) -> Result<Prepared> {
        let layout = Layout::new(&self.data);
        layout.create()?;
        if self.fresh {
            if layout.servers().exists() {
                // Started once more, so that nobody else is at work in the folder and no orphan is left.
                self.servers(&layout).await?.stop().await?;
                (self.progress)("forgetting what is there");
            }
            layout.remove()?;
        }
        let servers = self.servers(&layout).await?;
        match self.settings(&layout, &servers).await {
            Ok(settings) => Ok(Prepared { layout, servers, settings: Arc::new(settings) }),
            Err(error) => {
                servers.stop().await?;
                Err(error)
            }
        }
    }

    async fn servers(&self, layout: &Layout) -> Result<Stack> {
        let ports = self.port_base.map(|base| Ports::from_base(base.saturating_add(3)));
        let mut options = Options::new(layout.servers());
        options.ports = ports;
        if let Some(base) = self.port_base {
            let ours = ["the API", "gRPC", "metrics"];
            options.other_ports = ours.into_iter().zip(base..=u16::MAX).collect();
        }
        options.progress = self.progress.clone();
        Ok(Stack::start(options).await?)
    }

    async fn settings(&self, layout: &Layout, servers: &Stack) -> Result<Settings> {
        let roles = roles::all();
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let secrets = Secrets::load_or_make(&layout.secrets(), &names)?;
        create_database(servers).await?;
        (self.progress)("bringing the database up to date");
        migrate_all(servers, &secrets).await?;
        let configuration = configuration(servers, &secrets, layout, self.port_base)?;
        layout::write_private(&layout.configuration(), &configuration)?;
        Settings::load(Some(&layout.configuration()), "")
    }
}

async fn create_database(servers: &Stack) -> Result<()> {
    let options: PgConnectOptions = servers.postgres_url("postgres").parse()?;
    let mut connection = options.connect().await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        sqlx::raw_sql("CREATE DATABASE foursight").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn migrate_all(servers: &Stack, secrets: &Secrets) -> Result<()> {
    let roles = roles::all();
    let mut schemas = Vec::new();
    for role in &roles {
        if let Some(migrator) = role.migrator() {
            let password = SecretString::from(secrets.of(role.name())?.database_password.clone());
            schemas.push(migrate::Schema { service: role.name(), migrator, password });
        }
    }
    migrate::migrate(&servers.postgres_url(DATABASE), &schemas).await.map_err(explained)
}

/// A build whose migrations are others has made the database: only builds between releases do that.
fn explained(error: anyhow::Error) -> anyhow::Error {
    let other = error
        .chain()
        .any(|cause| matches!(cause.downcast_ref::<MigrateError>(), Some(MigrateError::VersionMismatch(_))));
    if other { error.context(format!("the database is {OTHER_BUILD}")) } else { error }
}

/// What differs from the defaults in a private stack; the commands that work on its folder read it, too.
fn configuration(
    servers: &Stack,
    secrets: &Secrets,
    layout: &Layout,
    port_base: Option<u16>,
) -> Result<String> {
    let port = |offset: u16| port_base.map_or(0, |base| base.saturating_add(offset));
    let mut text = String::new();
    writeln!(text, "# Written at every start by `foursight up`.")?;
    writeln!(text, "[database]\nadmin_url = \"{}\"", servers.postgres_url(DATABASE))?;
    for role in roles::all() {
        let name = role.name();
        let own = secrets.of(name)?;
        writeln!(text, "[services.{name}]\nsecret = \"{}\"", own.secret)?;
        if role.migrator().is_some() {
            let url = servers.socket_url(&migrate::role_of(name), &own.database_password, DATABASE);
            writeln!(text, "database_url = \"{url}\"")?;
        }
    }
    writeln!(text, "[nats]\nurl = \"{}\"", servers.nats_url())?;
    writeln!(text, "[redis]\nurl = \"{}\"", servers.redis_url())?;
    writeln!(text, "[keys]\nmaster = \"{}\"\nhash = \"{}\"", secrets.master_keys, secrets.hash_key)?;
    writeln!(
        text,
        "[listen]\ngateway = \"127.0.0.1:{}\"\ngrpc = \"127.0.0.1:{}\"\nmetrics = \"127.0.0.1:{}\"",
        port(0),
        port(1),
        port(2)
    )?;
    writeln!(text, "[telemetry]\nlog_file = {:?}", layout.log().display().to_string())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_another_build_is_told_with_the_way_out() {
        let other =
            explained(anyhow::Error::from(MigrateError::VersionMismatch(1)).context("the schema customer"));
        assert!(format!("{other:#}").contains("--fresh"), "{other:#}");
        assert!(!format!("{:#}", explained(anyhow::anyhow!("away"))).contains("--fresh"));
    }
}
