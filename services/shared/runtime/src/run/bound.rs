//! Ports, bound before any work starts, so that a taken one is told at once and nothing is half started.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use super::Addresses;
use crate::{Role, Settings};

pub(super) const GATEWAY: &str = "listen.gateway";
pub(super) const GRPC: &str = "listen.grpc";
pub(super) const METRICS: &str = "listen.metrics";

/// The role that answers clients.
const PUBLIC_ROLE: &str = "gateway";

pub(super) struct Bound {
    pub(super) addresses: Addresses,
    listeners: HashMap<String, TcpListener>,
}

impl Bound {
    pub(super) async fn bind(settings: &Settings, roles: &[Arc<dyn Role>]) -> Result<Self> {
        let mut bound = Self { addresses: Addresses::default(), listeners: HashMap::new() };
        bound.addresses.metrics = Some(bound.listen(METRICS, settings.listen.metrics).await?);
        for role in roles {
            if role.name() == PUBLIC_ROLE {
                bound.addresses.gateway = Some(bound.listen(GATEWAY, settings.listen.gateway).await?);
                bound.addresses.grpc = Some(bound.listen(GRPC, settings.listen.grpc).await?);
            } else if let Some(address) = settings.service(role.name()).listen {
                bound.listen(role.name(), address).await?;
            }
        }
        Ok(bound)
    }

    /// Hands a listener over, once.
    pub(super) fn take(&mut self, name: &str) -> Result<TcpListener> {
        self.listeners.remove(name).with_context(|| format!("{name} was not bound"))
    }

    async fn listen(&mut self, name: &str, address: SocketAddr) -> Result<SocketAddr> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("{name}: cannot listen on {address}; choose another address in the configuration")
        })?;
        let address = listener.local_addr()?;
        self.listeners.insert(name.to_owned(), listener);
        Ok(address)
    }
}
