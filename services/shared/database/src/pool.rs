//! The pool: connections that are kept open, and may have died since they were used last.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{self, Manager, Metrics, Object, PoolError, QueueMode, RecycleResult},
};
use foursight_kernel::{Error, Result, database_is_away};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::{Map, Query},
};

use crate::Transaction;

/// A connection that nobody has used for so long is closed.
const IDLE: Duration = Duration::from_mins(5);

/// How long a connection may take to be made. Longer than anybody waits for a free one: many at once, on a machine that has
/// much else to do, are slow and no sign that the database is away.
const CONNECT: Duration = Duration::from_secs(10);

/// How often idle connections are looked for.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// A connection that goes back to the pool when it is dropped.
pub(crate) type Connection = Object<Connections>;

/// How connections are made.
#[derive(Debug)]
pub(crate) struct Connections(PgConnectOptions);

impl Manager for Connections {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // Seldom awaited and large: it does not belong into every transaction's future.
        Box::pin(PgConnection::connect_with(&self.0)).await
    }

    /// A connection is not asked how it is: that would be one round trip more for every transaction. What begins on it finds
    /// out, and passes over one that has died.
    async fn recycle(&self, _: &mut PgConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(())
    }
}

/// A question as `sqlx::query_as!` makes it.
pub type Question<'q, F> = Map<'q, Postgres, F, PgArguments>;

/// A statement with its values.
pub type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// What a pool may have and take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// How long somebody waits for one that is free.
    pub wait: Duration,
}

/// Connections to one database, under one role. Cheap to clone.
///
/// The connection that was used last is the next one to be used, so that few are hot while little is going on.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: managed::Pool<Connections>,
    tidied: Arc<Tidied>,
}

#[derive(Debug)]
struct Tidied {
    made: Instant,
    /// Seconds after `made`.
    last: AtomicU64,
}

impl Pool {
    /// A pool that connects when it is first used.
    ///
    /// # Errors
    /// `INTERNAL` when the limits make no pool.
    pub fn new(options: PgConnectOptions, limits: Limits) -> Result<Self> {
        let connections = managed::Pool::builder(Connections(options))
            .max_size(limits.connections)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(limits.wait))
            .create_timeout(Some(CONNECT))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { connections, tidied: Arc::new(Tidied { made: Instant::now(), last: AtomicU64::new(0) }) })
    }

    /// Begins a transaction with `statement`, in one round trip.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn begin(&self, statement: &str) -> Result<Transaction> {
        let mut dead = 0;
        loop {
            let mut transaction = Transaction::of(self.connection().await?);
            match transaction.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await {
                Ok(_) => return Ok(transaction),
                Err(error) => {
                    transaction.discard();
                    self.pass_over(error, &mut dead)?;
                }
            }
        }
    }

    /// Asks for rows in one round trip, with no transaction of ours around the question. It may be asked twice.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn ask<'q, F, T>(&self, question: impl Fn() -> Question<'q, F>) -> Result<Vec<T>>
    where
        F: FnMut(PgRow) -> Result<T, sqlx::Error> + Send,
        T: Send + Unpin,
    {
        let mut dead = 0;
        loop {
            let mut asked = Asked(Some(self.connection().await?));
            match question().fetch_all(asked.connection()?).await {
                Ok(rows) => {
                    asked.answered();
                    return Ok(rows);
                }
                // It may be the connection that is at fault: it is closed.
                Err(error) => self.pass_over(error, &mut dead)?,
            }
        }
    }

    /// Carries out a statement that is a transaction of its own, in one round trip.
    ///
    /// # Errors
    /// The database's. Unlike [`Pool::begin`], it passes over no connection that has died: nobody knows then whether the
    /// statement was carried out.
    pub async fn carry_out(&self, statement: Statement<'_>) -> Result<(), sqlx::Error> {
        let mut asked = Asked(Some(self.connection().await?));
        let done = statement.execute(asked.connection()?).await;
        match &done {
            Err(error) if database_is_away(error) => self.let_go(),
            _ => asked.answered(),
        }
        done.map(drop)
    }

    /// No connection can be had any more; those that are out close when they come back.
    pub fn close(&self) {
        self.connections.close();
    }

    async fn connection(&self) -> Result<Connection, sqlx::Error> {
        self.tidy();
        self.connections.get().await.map_err(nothing_free)
    }

    /// Closes the connections that nobody uses now: where one has died, the others have, most often.
    fn let_go(&self) {
        self.connections.retain(|_, _| false);
    }

    /// Whether to go on with another connection: nothing was done on one that turns out to have died while it lay here.
    fn pass_over(&self, error: sqlx::Error, dead: &mut usize) -> Result<()> {
        let error = Error::from(error);
        if !error.is_transient() || *dead == self.connections.status().max_size {
            return Err(error);
        }
        *dead += 1;
        self.let_go();
        Ok(())
    }

    /// Closes what nobody has used for long, now and then.
    fn tidy(&self) {
        let now = self.tidied.made.elapsed().as_secs();
        let last = self.tidied.last.load(Ordering::Relaxed);
        if now >= last + TIDY_EVERY.as_secs()
            && self.tidied.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.connections.retain(|_, metrics| metrics.last_used() < IDLE);
        }
    }
}

/// A connection with a question under way. Who gives up in the middle of it leaves a connection behind that may hang, and whoever
/// had it next would hang, too: so it is closed, unless the answer came.
struct Asked(Option<Connection>);

impl Asked {
    fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Back to the pool.
    fn answered(&mut self) {
        self.0 = None;
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

fn nothing_free(error: PoolError<sqlx::Error>) -> sqlx::Error {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Closed => sqlx::Error::PoolClosed,
        // No hooks are set; what remains is a wait that was too long.
        PoolError::Timeout(_) | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            sqlx::Error::PoolTimedOut
        }
    }
}
