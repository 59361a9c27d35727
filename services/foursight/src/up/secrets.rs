//! Passwords and keys of a private stack: made once, kept in the data folder, readable by its owner only.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::{
    OTHER_BUILD,
    layout::{Layout, write_private},
};

/// What nobody else may know.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secrets {
    /// Of each service, by its name.
    services: BTreeMap<String, ServiceSecrets>,
    /// What seals personal data: losing it loses them.
    pub(super) master_keys: String,
    /// What sealed values are found by.
    pub(super) hash_key: String,
}

/// What only one service may know.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ServiceSecrets {
    /// Of its database role.
    pub(super) database_password: String,
    /// By which it proves itself to identity.
    pub(super) secret: String,
}

/// Makes another master key for the private stack in a data folder, for its next start; answers its version.
///
/// # Errors
/// When no stack has ever run there.
pub fn add_master_key(data: &Path) -> Result<u32> {
    change_master_keys(data, |keys| {
        let version = keys.keys().next_back().map_or(1, |newest| newest + 1);
        keys.insert(version, STANDARD.encode(random::<32>()));
        Ok(version)
    })
}

/// Takes a master key from the private stack in a data folder, for its next start. What it has sealed is lost: ask
/// [`crate::keys::in_use`] first.
///
/// # Errors
/// When there is no such key.
pub fn drop_master_key(data: &Path, version: i32) -> Result<()> {
    change_master_keys(data, |keys| {
        let key = u32::try_from(version).ok().and_then(|version| keys.remove(&version));
        key.map(drop).with_context(|| format!("there is no master key of version {version}"))
    })
}

fn change_master_keys<T>(
    data: &Path,
    change: impl FnOnce(&mut BTreeMap<u32, String>) -> Result<T>,
) -> Result<T> {
    let file = Layout::new(data).secrets();
    let mut secrets = Secrets::load(&file)?;
    let mut keys = BTreeMap::new();
    for key in secrets.master_keys.split(',') {
        let (version, key) =
            key.split_once(':').with_context(|| format!("{} is {OTHER_BUILD}", file.display()))?;
        keys.insert(version.parse()?, key.to_owned());
    }
    let answer = change(&mut keys)?;
    let keys: Vec<String> = keys.iter().map(|(version, key)| format!("{version}:{key}")).collect();
    secrets.master_keys = keys.join(",");
    write_private(&file, &serde_json::to_string_pretty(&secrets)?)?;
    Ok(answer)
}

impl Secrets {
    fn load(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is {OTHER_BUILD}", file.display()))
    }

    /// The secrets in `file`, with fresh ones for what has none yet.
    pub(super) fn load_or_make(file: &Path, services: &[&str]) -> Result<Self> {
        let mut secrets = if file.exists() {
            Self::load(file)?
        } else {
            Self {
                services: BTreeMap::new(),
                master_keys: format!("1:{}", STANDARD.encode(random::<32>())),
                hash_key: STANDARD.encode(random::<32>()),
            }
        };
        for service in services {
            secrets.services.entry((*service).to_owned()).or_insert_with(|| ServiceSecrets {
                database_password: hex::encode(random::<24>()),
                secret: hex::encode(random::<24>()),
            });
        }
        write_private(file, &serde_json::to_string_pretty(&secrets)?)?;
        Ok(secrets)
    }

    /// A service's own.
    pub(super) fn of(&self, service: &str) -> Result<&ServiceSecrets> {
        self.services.get(service).with_context(|| format!("{service} has no secrets"))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn secrets_of_another_shape_are_kept_and_the_way_out_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        let other = r#"{"master_key": "of another build"}"#;
        std::fs::write(&file, other).unwrap();
        let message = format!("{:#}", Secrets::load_or_make(&file, &["customer"]).err().unwrap());
        assert!(message.contains("--fresh") && message.contains("--data"), "{message}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
    }
}
