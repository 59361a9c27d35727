//! Passwords and keys of a private stack: made once, kept in the data folder, readable by its owner only.

use std::path::Path;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::layout::write_private;

/// What nobody else may know.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secrets {
    /// Of the services' database roles.
    pub(super) database_password: String,
    /// By which the services prove themselves to identity.
    pub(super) service_secret: String,
    /// What seals personal data: losing it loses them.
    pub(super) master_keys: String,
    /// What sealed values are found by.
    pub(super) hash_key: String,
}

impl Secrets {
    pub(super) fn load_or_make(file: &Path) -> Result<Self> {
        if file.exists() {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            return serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()));
        }
        let secrets = Self {
            database_password: hex::encode(random::<24>()),
            service_secret: hex::encode(random::<24>()),
            master_keys: format!("1:{}", STANDARD.encode(random::<32>())),
            hash_key: STANDARD.encode(random::<32>()),
        };
        write_private(file, &serde_json::to_string_pretty(&secrets)?)?;
        Ok(secrets)
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
