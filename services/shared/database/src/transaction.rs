//! A transaction on a connection of the pool.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object;
use foursight_kernel::Result;
use sqlx::{Executor as _, PgConnection};
use tokio::runtime::Handle;

use crate::pool::Connection;

/// A transaction. Dropped without [`Transaction::commit`], it is rolled back, also when whoever had it gave up in the middle of
/// a statement; nobody waits for that.
#[derive(Debug)]
pub struct Transaction {
    /// Gone when there is nothing to roll back any more.
    connection: Option<Connection>,
}

impl Transaction {
    /// On a connection that begins it next.
    pub(crate) fn of(connection: Connection) -> Self {
        Self { connection: Some(connection) }
    }

    /// Commits.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away; then nobody knows whether it was committed.
    pub async fn commit(self) -> Result<()> {
        self.end("COMMIT").await
    }

    /// Gives up what was done.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub async fn rollback(self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<()> {
        if let Err(error) = self.execute(sqlx::raw_sql(statement)).await {
            self.discard();
            return Err(error.into());
        }
        // Back to the pool.
        self.connection = None;
        Ok(())
    }

    /// Closes the connection: nobody knows what state it is in.
    pub(crate) fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        runtime.spawn(async move {
            if connection.execute(sqlx::raw_sql("ROLLBACK")).await.is_err() {
                drop(Object::take(connection));
            }
        });
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    #[expect(
        clippy::expect_used,
        reason = "the connection is there until the transaction ends, and that consumes it"
    )]
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("a transaction that has not ended")
    }
}

impl DerefMut for Transaction {
    #[expect(
        clippy::expect_used,
        reason = "the connection is there until the transaction ends, and that consumes it"
    )]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a transaction that has not ended")
    }
}
