//! What a stack is made of, and with which configuration it starts.

use std::{fmt::Write, sync::Arc};

use anyhow::Result;
use foursight_kernel::{Ids, TestClock};
use foursight_runtime::{Role, Settings, Start, telemetry::Telemetry};
use jiff::Timestamp;

use crate::{
    Directory,
    callers::TestIssuer,
    servers::{Servers, shared_servers},
    stack::{Stack, run},
    stand_ins,
};

/// Every test begins at this instant unless it says otherwise: a Wednesday, 10:00 in Shanghai.
const BEGINNING: &str = "2026-03-04T02:00:00Z";

/// A stack that is about to start.
#[derive(Default)]
pub struct Builder {
    roles: Vec<Arc<dyn Role>>,
    settings: String,
    beginning: Option<Timestamp>,
    servers: Option<Arc<Servers>>,
    real_identity: bool,
    signed_in_as: Option<&'static str>,
    directory: Directory,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Role) -> Self {
        self.roles.push(Arc::new(role));
        self
    }

    /// Adds roles.
    #[must_use]
    pub fn roles(mut self, roles: impl IntoIterator<Item = Arc<dyn Role>>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Settings that differ, as TOML.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings.push_str(toml);
        self.settings.push('\n');
        self
    }

    /// Where the clock stands first.
    #[must_use]
    pub fn beginning(mut self, at: Timestamp) -> Self {
        self.beginning = Some(at);
        self
    }

    /// Servers of one's own.
    #[must_use]
    pub fn servers(mut self, servers: Arc<Servers>) -> Self {
        self.servers = Some(servers);
        self
    }

    /// Tokens are identity's own, which must be among the roles; [`Stack::staff`] is of no use then.
    #[must_use]
    pub fn real_identity(mut self) -> Self {
        self.real_identity = true;
        self
    }

    /// Adds a stand-in for identity, which signs the role under test in as this service when it asks its peers.
    #[must_use]
    pub fn signed_in_as(mut self, service: &'static str) -> Self {
        self.signed_in_as = Some(service);
        self
    }

    /// Whom that stand-in knows; nobody by default.
    #[must_use]
    pub fn directory(mut self, directory: &Directory) -> Self {
        self.directory = directory.clone();
        self
    }

    /// Makes the database, and starts nothing: for roles that run in a process of their own, with the configuration (TOML)
    /// that this answers, and with identity's own tokens. The second text is the database's name.
    ///
    /// # Errors
    /// When a server cannot be started.
    pub async fn configuration(self) -> Result<(String, String)> {
        let servers = servers_or_shared(self.servers).await?;
        let database = servers.fresh_database(&self.roles).await?;
        Ok((overrides(&servers, &database, &self.roles, &self.settings)?, database))
    }

    /// Starts the roles.
    ///
    /// # Errors
    /// When a server or a role cannot be started.
    pub async fn start(self) -> Result<Stack> {
        let clock = TestClock::at(self.beginning.map_or_else(|| BEGINNING.parse(), Ok)?);
        let ids = Ids::new(clock.clone());
        let issuer = TestIssuer::new(clock.clone(), ids.clone())?;
        let mut roles = self.roles;
        if let Some(service) = self.signed_in_as {
            roles.push(Arc::new(stand_ins::identity(&issuer.service(service)?, self.directory)));
        }
        let servers = servers_or_shared(self.servers).await?;
        let database = servers.fresh_database(&roles).await?;
        let overrides = overrides(&servers, &database, &roles, &self.settings)?;
        let settings = Arc::new(Settings::load(None, &overrides)?);
        let telemetry = Telemetry::start(&settings.telemetry, "test")?;
        let start = Start {
            settings: settings.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            metrics: telemetry.metrics.clone(),
            keys: (!self.real_identity).then(|| issuer.keys()),
        };
        let (running, peers) = run(start.clone(), &roles).await?;
        Ok(Stack {
            running,
            clock,
            ids,
            servers,
            settings,
            database,
            roles,
            issuer,
            peers,
            start,
            _telemetry: telemetry,
        })
    }
}

async fn servers_or_shared(own: Option<Arc<Servers>>) -> Result<Arc<Servers>> {
    match own {
        Some(servers) => Ok(servers),
        None => shared_servers().await,
    }
}

/// What differs from the defaults on test servers.
fn overrides(servers: &Servers, database: &str, roles: &[Arc<dyn Role>], own: &str) -> Result<String> {
    let mut text = String::new();
    let ours = ["identity", "customer", "notification", "complaint", "analytics", "gateway"];
    let others = roles.iter().map(|role| role.name()).filter(|name| !ours.contains(name));
    for service in ours.into_iter().chain(others) {
        writeln!(text, "[services.{service}]\nsecret = 'secret of {service}'")?;
        writeln!(text, "database_url = '{}'", servers.role_url(service, database))?;
    }
    writeln!(text, "[nats]\nurl = '{}'\nprefix = '{database}'", servers.local.nats_url())?;
    writeln!(text, "[redis]\nurl = '{}'", servers.local.redis_url())?;
    writeln!(text, "[listen]\ngateway = '127.0.0.1:0'\ngrpc = '127.0.0.1:0'\nmetrics = '127.0.0.1:0'")?;
    writeln!(text, "[keys]\nmaster = '1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE='")?;
    writeln!(text, "hash = 'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI='")?;
    writeln!(text, "[telemetry]\nlog_format = 'text'\nlog_filter = 'error'")?;
    text.push_str(own);
    Ok(text)
}
