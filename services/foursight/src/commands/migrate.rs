//! `foursight migrate`.

use anyhow::{Context, Result};
use foursight::roles;
use foursight_runtime::{Settings, migrate};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::tell;
use crate::cli::Config;

/// Brings every schema up to date.
pub(super) async fn run(config: &Config) -> Result<()> {
    let settings = config.settings()?;
    let admin = settings
        .database
        .admin_url
        .clone()
        .context("database.admin_url is not set: migrations need the owner")?;
    let mut schemas = Vec::new();
    let roles = roles::all();
    for role in &roles {
        if let Some(migrator) = role.migrator() {
            let password = password_of(&settings, role.name())?;
            schemas.push(migrate::Schema { service: role.name(), migrator, password });
        }
    }
    migrate::migrate(admin.expose_secret(), &schemas).await?;
    tell("the database is up to date");
    Ok(())
}

/// The password of a service's database role stands in the service's own address, so that there is one place for it.
fn password_of(settings: &Settings, service: &str) -> Result<SecretString> {
    let url = settings.service(service).database_url;
    let url = url.with_context(|| format!("services.{service}.database_url is not set"))?;
    url.expose_secret()
        .parse::<PgConnectOptions>()
        .with_context(|| format!("services.{service}.database_url"))?;
    let credentials = url.expose_secret().split("://").nth(1).and_then(|rest| rest.rsplit_once('@'));
    let password =
        credentials.and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password.to_owned());
    password
        .map(SecretString::from)
        .with_context(|| format!("services.{service}.database_url names no password"))
}
