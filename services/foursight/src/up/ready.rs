//! What a private stack tells when it answers: one line of JSON, and the same in `ready.json`.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use foursight_local::Stack;
use foursight_runtime::Running;
use serde::{Deserialize, Serialize};

use super::{http, layout::Layout};
use crate::demo;

/// Addresses, and who may sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// JSON over HTTP, gRPC-Web and gRPC.
    pub gateway: String,
    /// gRPC alone.
    pub grpc: String,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub metrics: String,
    /// The database, as its owner.
    pub postgres: String,
    /// The event stream.
    pub nats: String,
    /// Redis.
    pub redis: String,
    /// Sign-ins of the demo group.
    pub users: Vec<User>,
}

/// A sign-in of the demo group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// The login name.
    pub login: String,
    /// The password; the same for the whole demo group.
    pub password: String,
    /// The role, by the API's name without its prefix: `SALES_ADVISOR`.
    pub role: String,
    /// The store's resource name; empty at headquarters.
    pub store: String,
}

impl Ready {
    /// What the stack that runs on a data folder has told.
    ///
    /// # Errors
    /// When none runs there; the message says how to start it.
    pub async fn of_running(data: &Path) -> Result<Self> {
        let file = Layout::new(data).ready();
        let (at, start) = (data.display(), format!("start it with `foursight up --data {}`", data.display()));
        let text = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("nothing runs on {at}: {start}")
            }
            text => text.with_context(|| format!("{} cannot be read", file.display()))?,
        };
        let ready: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is of another build, or damaged: {start} again", file.display()))?;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        if client.get(format!("{}/healthz", ready.gateway)).send().await.is_err() {
            bail!(
                "nothing answers at {}, where the stack on {at} was: it ended without being stopped, and lost nothing; {start}",
                ready.gateway
            );
        }
        Ok(ready)
    }

    pub(super) fn of(servers: &Stack, running: &Running, database: &str, with_demo: bool) -> Result<Self> {
        Ok(Self {
            gateway: http(running.addresses.gateway)?,
            grpc: http(running.addresses.grpc)?,
            metrics: http(running.addresses.metrics)?,
            postgres: servers.postgres_url(database),
            nats: servers.nats_url(),
            redis: servers.redis_url(),
            users: if with_demo { demo::sign_ins() } else { Vec::new() },
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    async fn told(data: &Path) -> String {
        format!("{:#}", Ready::of_running(data).await.unwrap_err())
    }

    #[tokio::test]
    async fn who_looks_for_a_stack_that_does_not_run_is_told_how_to_start_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let start = format!("foursight up --data {}", data.display());
        assert_eq!(told(data).await, format!("nothing runs on {}: start it with `{start}`", data.display()));

        // Killed: it has left its addresses, and nobody listens there.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stale = Ready {
            gateway: format!("http://{gone}"),
            grpc: String::new(),
            metrics: String::new(),
            postgres: String::new(),
            nats: String::new(),
            redis: String::new(),
            users: Vec::new(),
        };
        std::fs::write(Layout::new(data).ready(), serde_json::to_string(&stale).unwrap()).unwrap();
        let message = told(data).await;
        assert!(message.contains("nothing answers at") && message.contains(&start), "{message}");
    }
}
