//! Keys from the configuration.

use std::fmt;

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A key that seals other keys, AES-256, with its version.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// The version; what is sealed remembers by which.
    pub version: u32,
    /// The key.
    pub bytes: [u8; 32],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The key of keyed hashes, HMAC-SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey(pub [u8; 32]);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

/// Reads `version:base64,…`.
pub(crate) fn parse_master_keys(text: &str) -> anyhow::Result<Vec<MasterKey>> {
    let keys = text.split(',').map(|entry| {
        let (version, key) = entry.trim().split_once(':').context("keys.master must be version:base64, …")?;
        let version = version.parse().context("keys.master: a version must be a whole number")?;
        Ok(MasterKey { version, bytes: decode(key, "keys.master")? })
    });
    keys.collect()
}

/// Reads base64.
pub(crate) fn parse_hash_key(text: &str) -> anyhow::Result<HashKey> {
    decode(text, "keys.hash").map(HashKey)
}

/// The value itself must not get into the error.
fn decode(text: &str, name: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("{name} must be 32 bytes in base64"))
}
