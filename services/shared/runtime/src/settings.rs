//! Configuration: the defaults in `default.toml`, a file, the environment; parsed once into plain structs.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use crate::keys::{ConfiguredKeys, HashKey, MasterKeySource, parse_hash_key};

/// The commented and complete default configuration.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The effective configuration of a process.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// Postgres.
    pub database: DatabaseSettings,
    /// What concerns one service each, by name.
    pub services: BTreeMap<String, ServiceSettings>,
    /// NATS.
    pub nats: NatsSettings,
    /// Redis.
    pub redis: RedisSettings,
    /// Keys.
    #[serde(default)]
    keys: KeySettings,
    /// Addresses to listen on.
    pub listen: ListenSettings,
    /// Traces, metrics and logs.
    pub telemetry: TelemetrySettings,
    /// Limits of each role.
    pub limits: LimitSettings,
    /// The outbox.
    pub outbox: OutboxSettings,
    #[serde(skip)]
    figment: Figment,
}

/// Postgres.
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseSettings {
    /// Connections of each role, at most.
    pub max_connections: usize,
    /// Seconds that a request waits for a connection.
    pub acquire_timeout_s: u64,
    /// The owner's connection, for migrations.
    pub admin_url: Option<SecretString>,
}

/// What concerns one service.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ServiceSettings {
    /// Its own database role's connection.
    pub database_url: Option<SecretString>,
    /// What proves it to identity.
    pub secret: Option<SecretString>,
    /// Where its peers find it.
    pub address: Option<String>,
    /// Where it answers its peers.
    pub listen: Option<SocketAddr>,
}

/// NATS.
#[derive(Debug, Clone, Deserialize)]
pub struct NatsSettings {
    /// The address, with credentials.
    pub url: SecretString,
    /// The first part of stream and subject names.
    pub prefix: String,
    /// How many servers keep each stream.
    pub replicas: usize,
}

/// Redis.
#[derive(Debug, Clone, Deserialize)]
pub struct RedisSettings {
    /// The address, with credentials.
    pub url: SecretString,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct KeySettings {
    master: Option<SecretString>,
    master_file: Option<PathBuf>,
    sealing: Option<u32>,
    hash: Option<SecretString>,
}

/// Addresses to listen on; port 0 takes a free one.
#[derive(Debug, Clone, Deserialize)]
pub struct ListenSettings {
    /// Clients, all forms.
    pub gateway: SocketAddr,
    /// Clients, gRPC.
    pub grpc: SocketAddr,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub metrics: SocketAddr,
}

/// Traces, metrics and logs.
#[derive(Debug, Clone, Deserialize)]
pub struct TelemetrySettings {
    /// OTLP endpoint; empty for none.
    pub otlp_endpoint: String,
    /// How logs are written.
    pub log_format: LogFormat,
    /// Which logs are written.
    pub log_filter: String,
    /// The file that they are added to; standard error when empty.
    pub log_file: String,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Limits of each role.
#[derive(Debug, Clone, Deserialize)]
pub struct LimitSettings {
    /// Requests at once.
    pub concurrency: usize,
    /// Seconds, when the client names none.
    pub default_deadline_s: u64,
    /// Connections of each listener at once.
    pub connections: usize,
    /// Seconds in which a request's head must have come.
    pub head_timeout_s: u64,
    /// Seconds in which a request's body must have come.
    pub body_timeout_s: u64,
}

/// The outbox.
#[derive(Debug, Clone, Deserialize)]
pub struct OutboxSettings {
    /// Days that a published event stays.
    pub keep_days: i64,
}

impl Settings {
    /// Reads the defaults, then a file if one is named, then `overrides` (TOML), then the environment (`FOURSIGHT_…`).
    ///
    /// # Errors
    /// When the file is absent, or a setting is of the wrong kind; the message names it.
    pub fn load(file: Option<&Path>, overrides: &str) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            anyhow::ensure!(file.exists(), "the configuration file {} does not exist", file.display());
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment
            .merge(Toml::string(overrides))
            .merge(Env::prefixed("FOURSIGHT_").ignore(&["CONFIG"]).split("__"));
        let mut settings: Self = figment.extract().context("the configuration cannot be read")?;
        settings.figment = figment;
        Ok(settings)
    }

    /// A section of a service's own, with its own defaults where nothing is set.
    ///
    /// # Errors
    /// When a setting of the section is of the wrong kind; the message names it.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> anyhow::Result<T> {
        if self.figment.find_value(name).is_err() {
            return Ok(T::default());
        }
        self.figment
            .extract_inner(name)
            .with_context(|| format!("the configuration's section {name} cannot be read"))
    }

    /// What concerns one service; nothing when it is not named.
    pub fn service(&self, name: &str) -> ServiceSettings {
        self.services.get(name).cloned().unwrap_or_default()
    }

    /// What proves a service to identity.
    ///
    /// # Errors
    /// When it is not set.
    pub fn service_secret(&self, name: &str) -> anyhow::Result<SecretString> {
        self.service(name).secret.with_context(|| format!("services.{name}.secret is not set"))
    }

    /// Where the master keys come from.
    pub fn key_source(&self) -> Box<dyn MasterKeySource> {
        let KeySettings { master, master_file, sealing, .. } = self.keys.clone();
        Box::new(ConfiguredKeys { master, master_file, sealing })
    }

    /// The key of the hashes by which sealed values are found.
    ///
    /// # Errors
    /// When it is not set or malformed.
    pub fn hash_key(&self) -> anyhow::Result<HashKey> {
        let text = self.keys.hash.as_ref().context("keys.hash is not set: sealed values are found by it")?;
        parse_hash_key(text.expose_secret())
    }

    /// How long a request may take when the client names no deadline.
    pub fn default_deadline(&self) -> Duration {
        Duration::from_secs(self.limits.default_deadline_s)
    }

    /// The effective configuration as TOML, with secrets hidden.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn to_toml_without_secrets(&self) -> anyhow::Result<String> {
        let mut value: toml::Value = self.figment.extract()?;
        hide_secrets(&mut value);
        Ok(toml::to_string_pretty(&value)?)
    }
}

/// Hides passwords in URLs, and everything that is a secret by its name.
fn hide_secrets(value: &mut toml::Value) {
    const SECRETS: [&str; 6] = ["secret", "master", "hash", "password", "token", "key"];
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table.iter_mut() {
                if value.is_str() && SECRETS.iter().any(|secret| name.contains(secret)) {
                    *value = toml::Value::String("(hidden)".to_owned());
                } else {
                    hide_secrets(value);
                }
            }
        }
        toml::Value::Array(values) => values.iter_mut().for_each(hide_secrets),
        toml::Value::String(text) => {
            if let (Some(start), Some(end)) = (text.find("://"), text.rfind('@'))
                && start + 3 < end
            {
                text.replace_range(start + 3..end, "(hidden)");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_defaults_are_complete_but_for_secrets() {
        let settings = Settings::load(None, "").unwrap();
        assert_eq!(settings.nats.prefix, "foursight");
        assert!(settings.hash_key().is_err());
    }

    #[test]
    fn the_printed_configuration_hides_secrets() {
        let overrides = "[nats]\nurl = 'nats://u:tell-nobody@h'\n[services.customer]\nsecret = 'tell-nobody'\n[keys]\nmaster = 'tell-nobody'";
        let printed = Settings::load(None, overrides).unwrap().to_toml_without_secrets().unwrap();
        assert!(!printed.contains("tell-nobody"), "{printed}");
    }
}
