//! What a private stack tells when it answers: one line of JSON, and the same in `ready.json`.

use anyhow::Result;
use foursight_local::Stack;
use foursight_runtime::Running;
use serde::{Deserialize, Serialize};

use super::http;
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
