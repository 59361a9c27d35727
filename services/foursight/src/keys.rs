//! Which master keys there are, and what each of them still seals.

use std::collections::BTreeMap;

use anyhow::Result;
use foursight_runtime::{Database, Settings};

/// A master key by its version, and what it seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyUse {
    /// The version.
    pub version: i32,
    /// Whether the configuration has it.
    pub configured: bool,
    /// Whether it seals what is sealed from now on.
    pub sealing: bool,
    /// Customers' data keys that it wraps.
    pub data_keys: i64,
    /// Keys of access tokens that it seals.
    pub signing_keys: i64,
}

impl MasterKeyUse {
    /// Whether it may be taken out of the configuration.
    pub fn is_idle(&self) -> bool {
        !self.sealing && self.data_keys == 0 && self.signing_keys == 0
    }
}

/// All master keys that are configured or have sealed something, by version.
///
/// # Errors
/// When the configuration names no keys or no databases, or a database is away.
pub async fn in_use(settings: &Settings) -> Result<Vec<MasterKeyUse>> {
    let masters = settings.key_source().master_keys().await?;
    let data_keys = foursight_customer::wrapped_by_version(&Database::of(settings, "customer")?).await?;
    let signing_keys = foursight_identity::sealed_by_version(&Database::of(settings, "identity")?).await?;
    let sealing = i32::try_from(masters.sealing())?;
    let configured = masters.keys().iter().map(|key| i32::try_from(key.version));
    let configured = configured.collect::<Result<Vec<_>, _>>()?;
    let mut all: Vec<i32> =
        configured.iter().chain(data_keys.keys()).chain(signing_keys.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    let count = |of: &BTreeMap<i32, i64>, version| of.get(&version).copied().unwrap_or_default();
    Ok(all
        .into_iter()
        .map(|version| MasterKeyUse {
            version,
            configured: configured.contains(&version),
            sealing: version == sealing,
            data_keys: count(&data_keys, version),
            signing_keys: count(&signing_keys, version),
        })
        .collect())
}
