//! The database of one service: a pool under the service's own role, and transactions that say how far they reach.

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    time::Duration,
};

use foursight_access::{Principal, Reach};
use foursight_kernel::{Error, Result};
use foursight_messaging::relay::Wake;
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::settings::DatabaseSettings;

/// The database of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    wake: Wake,
}

impl Database {
    /// A pool that connects when it is first used, with the service's schema as its search path.
    ///
    /// # Errors
    /// `INTERNAL` when the URL is malformed.
    pub fn connect(url: &str, service: &str, settings: &DatabaseSettings) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(Error::internal)?
            .application_name(&format!("foursight-{service}"))
            .options([("search_path", format!("{service},public"))])
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1))
            .log_statements(tracing::log::LevelFilter::Off);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout_s))
            .idle_timeout(Duration::from_mins(5))
            .connect_lazy_with(options);
        Ok(Self { pool, wake: Wake::default() })
    }

    /// Begins a transaction that reaches as far as the caller does.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin(&self, caller: &Principal) -> Result<Tx> {
        match &caller.reach {
            Reach::Group => self.begin_with_reach("*").await,
            Reach::Stores(stores) => {
                let stores: Vec<String> = stores.iter().map(ToString::to_string).collect();
                self.begin_with_reach(&stores.join(",")).await
            }
        }
    }

    /// Begins a transaction that reaches the whole group: for what the service does by itself.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin_as_service(&self) -> Result<Tx> {
        self.begin_with_reach("*").await
    }

    /// One round trip for both statements. The reach is `*` or UUIDs that we printed ourselves.
    async fn begin_with_reach(&self, reach: &str) -> Result<Tx> {
        let begin = AssertSqlSafe(format!("BEGIN; SET LOCAL foursight.reach = '{reach}'"));
        Ok(Tx { inner: self.pool.begin_with(begin).await?, wake: self.wake.clone() })
    }

    /// The pool, for the relay, consumers and health.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What wakes the relay.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }
}

/// A transaction that says how far it reaches. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wake: Wake,
}

impl Tx {
    /// Commits, and wakes the relay: there may be an event in the outbox.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away; then nobody knows whether it was committed, and the same request with the
    /// same request id finds out.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        self.wake.wake();
        Ok(())
    }

    /// Gives up what was done.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
