//! The private servers of a test process: started by the first test that needs them, ended with the process.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result};
use foursight_local::{Options, Stack as LocalStack};
use foursight_runtime::{Role, migrate};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::sync::{Mutex, OnceCell};

use crate::farewell::Farewell;

/// The password of every service's database role on test servers.
pub(crate) const ROLE_PASSWORD: &str = "role";

/// Private servers, and the databases that tests have in them.
pub struct Servers {
    /// The servers; fault tests stop and start them, on a set of their own.
    pub local: LocalStack,
    /// A migrated database for each set of roles, from which those of tests are cloned.
    templates: Mutex<HashMap<String, String>>,
    counter: AtomicU32,
    _farewell: Farewell,
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Servers")
    }
}

static SHARED: OnceCell<Arc<Servers>> = OnceCell::const_new();

/// The servers that the tests of this process share.
///
/// # Errors
/// When they cannot be started; the message names what is missing.
pub async fn shared_servers() -> Result<Arc<Servers>> {
    SHARED.get_or_try_init(Servers::start).await.cloned()
}

impl Servers {
    /// Servers of one's own: for tests that kill them.
    ///
    /// # Errors
    /// When they cannot be started; the message names what is missing.
    pub async fn start() -> Result<Arc<Self>> {
        static FOLDER: AtomicU32 = AtomicU32::new(0);
        // One crypto library for the whole process; a second installation is no harm.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let number = FOLDER.fetch_add(1, Ordering::SeqCst);
        let folder = test_folder().join(format!("{}-{number}", std::process::id()));
        let farewell = Farewell::watch(&folder, &folder)?;
        let local = LocalStack::start(Options::for_tests(folder)).await?;
        Ok(Arc::new(Self {
            local,
            _farewell: farewell,
            templates: Mutex::default(),
            counter: AtomicU32::new(0),
        }))
    }

    /// A name that no other test on these servers has.
    pub(crate) fn fresh_name(&self) -> String {
        format!("t{}", self.counter.fetch_add(1, Ordering::SeqCst))
    }

    /// A fresh database with the schemas of `roles`; returns its name.
    pub(crate) async fn fresh_database(&self, roles: &[Arc<dyn Role>]) -> Result<String> {
        let key = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join("_");
        let mut templates = self.templates.lock().await;
        let template = if let Some(template) = templates.get(&key) {
            template.clone()
        } else {
            let template = self.fresh_name();
            self.on_server(&format!("CREATE DATABASE {template}")).await?;
            migrate::migrate(&self.local.postgres_url(&template), &schemas(roles)).await?;
            templates.insert(key, template.clone());
            template
        };
        // Held while cloning: Postgres clones a database only while nobody else uses it.
        let name = self.fresh_name();
        self.on_server(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        drop(templates);
        Ok(name)
    }

    async fn on_server(&self, statement: &str) -> Result<()> {
        let options: PgConnectOptions = self.local.postgres_url("postgres").parse()?;
        let mut connection = options.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await
            .with_context(|| statement.to_owned())?;
        connection.close().await?;
        Ok(())
    }

    /// The address of a service's own database role in a database.
    pub(crate) fn role_url(&self, service: &str, database: &str) -> String {
        let role = migrate::role_of(service);
        format!("postgres://{role}:{ROLE_PASSWORD}@127.0.0.1:{}/{database}", self.local.ports().postgres)
    }
}

fn schemas(roles: &[Arc<dyn Role>]) -> Vec<migrate::Schema<'static>> {
    let schemas = roles.iter().filter_map(|role| {
        let password = SecretString::from(ROLE_PASSWORD);
        Some(migrate::Schema { service: role.name(), migrator: role.migrator()?, password })
    });
    schemas.collect()
}

/// Below the system's folder for temporary files, whose paths are short enough for sockets.
fn test_folder() -> PathBuf {
    std::env::temp_dir().join("foursight-tests")
}
