//! Roles that call each other hold each other, and with them their connections, until the process ends. A process of the
//! product has its roles once; a process of tests would run out of connections.

use std::{fmt, thread};

use sqlx::{Connection, PgConnection};

/// Ends what is connected to a test's database, when the test is over.
pub(crate) struct Connections {
    url: String,
}

impl Connections {
    /// Of the database that the owner reaches by this URL.
    pub(crate) fn new(url: String) -> Self {
        Self { url }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let url = std::mem::take(&mut self.url);
        // On a thread of its own, because the test's runtime may be the one that drops this.
        let ending = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(end(&url)).ok()
        });
        // A server that is gone has no connections.
        let _ = ending.join();
    }
}

async fn end(url: &str) -> Result<(), sqlx::Error> {
    let mut owner = PgConnection::connect(url).await?;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(others).execute(&mut owner).await?;
    owner.close().await
}
