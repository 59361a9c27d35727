//! What a role is: a part of the product that runs on its own or together with others in one process.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_access::Verifier;
use foursight_kernel::{Ids, SharedClock};
use foursight_messaging::ConsumerSpec;
use opentelemetry::metrics::Meter;
use sqlx::migrate::Migrator;

use crate::{Database, Peers, Readiness, Settings, Worker};

/// A part of the product. Each service's crate has one implementation, and little else that is public.
#[async_trait]
pub trait Role: Send + Sync + 'static {
    /// The role's name, which is its schema's name, too: `customer`.
    fn name(&self) -> &'static str;

    /// The schema's migrations; `None` for a role without a database.
    fn migrator(&self) -> Option<&'static Migrator>;

    /// Makes what the role consists of. Nothing runs yet; whatever is away now may come later.
    ///
    /// # Errors
    /// When the configuration lacks what the role needs.
    async fn build(&self, context: &RoleContext) -> anyhow::Result<RoleParts>;
}

/// What a role is given.
#[derive(Clone)]
pub struct RoleContext {
    /// The role's own schema. A role without one must not use it.
    pub db: Database,
    /// The time.
    pub clock: SharedClock,
    /// Fresh ids.
    pub ids: Ids,
    /// The other roles.
    pub peers: Peers,
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Verifies access tokens.
    pub verifier: Arc<Verifier>,
    /// Whether the process can do its work.
    pub readiness: Readiness,
    /// What instruments are made with.
    pub meter: Meter,
}

impl std::fmt::Debug for RoleContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoleContext")
    }
}

/// What a role consists of.
#[derive(Default)]
pub struct RoleParts {
    /// Its gRPC services.
    pub routes: tonic::service::Routes,
    /// Its consumers.
    pub consumers: Vec<ConsumerSpec>,
    /// What it does by itself, again and again.
    pub workers: Vec<Worker>,
    /// What it answers clients on the public listeners; the gateway only.
    pub http: Option<axum::Router>,
}

impl std::fmt::Debug for RoleParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleParts")
            .field("consumers", &self.consumers)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
