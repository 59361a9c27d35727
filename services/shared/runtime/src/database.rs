//! The database of one service: a pool under the service's own role, and transactions that say how far they reach.

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use foursight_access::{Principal, Reach};
use foursight_database::{Limits, Pool, Question, Statement, Transaction};
use foursight_kernel::{Error, Result};
use foursight_messaging::relay::Wake;
use secrecy::ExposeSecret as _;
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgRow},
};

use crate::settings::{DatabaseSettings, Settings};

/// A reach without an end.
const GROUP: &str = "*";

/// The database of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
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
            // More than any service has statements: one that is thrown out is prepared again each time.
            .statement_cache_capacity(1_000)
            // One plan for each statement: planning under row-level security costs more than most statements themselves.
            // It may be made while the tables are still empty, so it never reads a whole table where an index would do,
            // not even to join it with a few rows.
            .options([
                ("search_path", format!("{service},public")),
                ("plan_cache_mode", "force_generic_plan".to_owned()),
                ("enable_seqscan", "off".to_owned()),
                ("enable_hashjoin", "off".to_owned()),
                ("enable_mergejoin", "off".to_owned()),
            ])
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1))
            .log_statements(tracing::log::LevelFilter::Off);
        let limits = Limits {
            connections: settings.max_connections,
            wait: Duration::from_secs(settings.acquire_timeout_s),
        };
        Ok(Self { pool: Pool::new(options, limits)?, wake: Wake::default() })
    }

    /// A service's database as the configuration names it, for a command that looks at it from outside.
    ///
    /// # Errors
    /// When it is not configured, or its URL is malformed.
    pub fn of(settings: &Settings, service: &str) -> anyhow::Result<Self> {
        let url = settings.service(service).database_url;
        let url = url.with_context(|| format!("services.{service}.database_url is not set"))?;
        Ok(Self::connect(url.expose_secret(), service, &settings.database)?)
    }

    /// Begins a transaction that reaches as far as the caller does.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin(&self, caller: &Principal) -> Result<Tx> {
        self.begin_with(&Within::of(caller).begin()).await
    }

    /// Begins a transaction that reaches the whole group: for what the service does by itself.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin_as_service(&self) -> Result<Tx> {
        self.begin_with(&Within::group().begin()).await
    }

    /// The same as [`Database::begin`], for lists: their filters come and go, so that no single plan fits them all, and
    /// each statement is planned for the values that it is given.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin_list(&self, caller: &Principal) -> Result<Tx> {
        let planned_each_time = "SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on; \
                                 SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";
        self.begin_with(&format!("{}; {planned_each_time}", Within::of(caller).begin())).await
    }

    /// Asks for rows outside any transaction of ours, so in one round trip: for what is read most. The question's statement has
    /// to say itself within which reach it asks, before all that it reads; one that does not reaches nothing. It may be asked
    /// twice.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn ask<'q, F, T>(&self, question: impl Fn() -> Question<'q, F>) -> Result<Vec<T>>
    where
        F: FnMut(PgRow) -> Result<T, sqlx::Error> + Send,
        T: Send + Unpin,
    {
        self.pool.ask(question).await
    }

    /// Carries out a statement that is a transaction of its own, in one round trip: for what is written most. It is given how far
    /// the caller reaches, and has to say so itself, before all that it writes ([`record::statement`](crate::record::statement)); one
    /// that does not reaches nothing. Wakes the relay.
    ///
    /// # Errors
    /// The database's. When it went away meanwhile, nobody knows whether the statement was carried out, and the same request
    /// with the same request id finds out.
    pub async fn carry_out<'q>(
        &self,
        caller: &Principal,
        statement: impl FnOnce(String) -> Statement<'q>,
    ) -> Result<(), sqlx::Error> {
        self.pool.carry_out(statement(Within::of(caller).as_str().to_owned())).await?;
        self.wake.wake();
        Ok(())
    }

    async fn begin_with(&self, begin: &str) -> Result<Tx> {
        Ok(Tx { inner: self.pool.begin(begin).await?, wake: self.wake.clone() })
    }

    /// The pool, for the relay, consumers and health.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What wakes the relay.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }
}

/// How far a caller reaches, as the policies read it.
/// How far a statement reaches, as the database is told: [`GROUP`], or stores' UUIDs that we printed ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Within(Arc<str>);

impl Within {
    /// As far as a caller does.
    pub fn of(caller: &Principal) -> Self {
        match &caller.reach {
            Reach::Group => Self::group(),
            Reach::Stores(stores) => {
                Self(stores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into())
            }
        }
    }

    fn group() -> Self {
        Self(GROUP.into())
    }

    /// What the database's setting is set to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The beginning of a transaction.
    fn begin(&self) -> String {
        format!("BEGIN; SET LOCAL foursight.reach = '{}'", self.0)
    }
}

/// A transaction that says how far it reaches. Dropped without [`Tx::commit`], it is rolled back, after the answer: what only
/// reads ends so.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction,
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
        self.inner.rollback().await
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
