//! How the role is put together.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_proto::identity::v1::{
    directory_service_server::DirectoryServiceServer, token_service_server::TokenServiceServer,
};
use foursight_runtime::{Role, RoleContext, RoleParts, Worker};
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::{
    directory::Directory,
    password::Passwords,
    sealing::Sealer,
    settings::IdentitySettings,
    tokens::{Keyring, ServiceSecrets, Sweep, Tokens},
};

static MIGRATOR: Migrator = sqlx::migrate!();

/// How often keys are looked after and what has expired is dropped.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Stores, staff, roles, sign-in and tokens.
#[derive(Debug, Default, Clone, Copy)]
pub struct IdentityRole;

#[async_trait]
impl Role for IdentityRole {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, ctx: &RoleContext) -> anyhow::Result<RoleParts> {
        let lives = ctx.settings.section::<IdentitySettings>("identity")?.lives()?;
        let (db, clock, ids) = (ctx.db.clone(), ctx.clock.clone(), ctx.ids.clone());
        let sealer = Sealer::new(&ctx.settings.key_source().master_keys().await?)?;
        let keyring = Arc::new(Keyring::new(db.clone(), clock.clone(), ids.clone(), sealer, lives.access));
        let passwords = Arc::new(Passwords::new().await?);

        let sweep = Sweep { db: db.clone(), clock: clock.clone(), keyring: Arc::clone(&keyring) };
        let directory = Directory {
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            passwords: Arc::clone(&passwords),
        };
        let secrets = ctx.settings.services.iter();
        let secrets = secrets.filter_map(|(name, service)| Some((name.clone(), service.secret.clone()?)));
        let secrets = ServiceSecrets::new(secrets);
        let tokens = Tokens { db, clock, ids, keyring, passwords, secrets, lives };
        let mut routes = Routes::builder();
        routes
            .add_service(DirectoryServiceServer::new(directory))
            .add_service(TokenServiceServer::new(tokens));
        Ok(RoleParts {
            routes: routes.routes(),
            workers: vec![Worker::new("sweep", SWEEP_EVERY, Arc::new(sweep))],
            ..RoleParts::default()
        })
    }
}
