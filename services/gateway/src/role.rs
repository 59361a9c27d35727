//! The gateway as a role.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use foursight_runtime::{Role, RoleContext, RoleParts};
use secrecy::ExposeSecret as _;
use sqlx::migrate::Migrator;
use tonic::Status;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::{
    answers::Durations, door::Door, gateway::Gateway, limits::Limits, routes::RouteTable, schema::Schema,
    settings::GatewaySettings,
};

/// Answers clients: JSON over HTTP, gRPC-Web and gRPC.
#[derive(Debug, Default)]
pub struct GatewayRole;

#[async_trait]
impl Role for GatewayRole {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        None
    }

    async fn build(&self, context: &RoleContext) -> Result<RoleParts> {
        let settings: GatewaySettings = context.settings.section("gateway")?;
        let pool = foursight_proto::descriptors();
        let schema = Schema::compile(pool);
        let table = RouteTable::build(pool, &schema)?;
        let peers = table.methods.iter().map(|method| {
            let channel = context.peers.channel(&method.peer);
            BoxCloneSyncService::new(channel.map_err(Status::from_error))
        });
        let gateway = Arc::new(Gateway {
            peers: peers.collect(),
            door: Door {
                verifier: context.verifier.clone(),
                limits: Limits::new(&settings.limits, context.settings.redis.url.expose_secret())?,
                trusted_proxies: settings.trusted_proxies,
            },
            schema,
            table,
            settings,
            durations: Durations::new(&context.meter),
            readiness: context.readiness.clone(),
        });
        Ok(RoleParts { http: Some(gateway.router()?), ..RoleParts::default() })
    }
}
