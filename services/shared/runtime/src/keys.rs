//! Keys that are kept outside the database, and where they come from.

use std::{fmt, path::PathBuf};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

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

/// The master keys that may have sealed something, and which of them seals.
///
/// What opens and what seals are two things, so that keys change while several processes run: each of them is told of the new key
/// first, and only when all of them can open what it seals, it seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    keys: Vec<MasterKey>,
    sealing: u32,
}

impl MasterKeys {
    /// The keys, of which the one of the version `sealing` seals; the newest when none is named.
    ///
    /// # Errors
    /// When there is no key, a version is 0 or stands twice, or `sealing` is none of them.
    pub fn new(mut keys: Vec<MasterKey>, sealing: Option<u32>) -> anyhow::Result<Self> {
        keys.sort_unstable_by_key(|key| key.version);
        ensure!(keys.iter().all(|key| key.version > 0), "keys.master: versions begin with 1");
        ensure!(
            keys.windows(2).all(|two| two[0].version < two[1].version),
            "keys.master: each version may stand there once"
        );
        let newest = keys.last().context("keys.master is empty")?.version;
        let sealing = sealing.unwrap_or(newest);
        ensure!(
            keys.iter().any(|key| key.version == sealing),
            "keys.sealing: version {sealing} is none of keys.master's"
        );
        Ok(Self { keys, sealing })
    }

    /// All of them, by version.
    pub fn keys(&self) -> &[MasterKey] {
        &self.keys
    }

    /// The version that seals.
    pub fn sealing(&self) -> u32 {
        self.sealing
    }
}

/// Where the master keys come from. Today that is the configuration, or a file that it names; a key management service would
/// answer the same question.
#[async_trait]
pub trait MasterKeySource: fmt::Debug + Send + Sync {
    /// The keys, asked for once, when a role starts.
    ///
    /// # Errors
    /// When there are none or one is malformed; the message says nothing of a key.
    async fn master_keys(&self) -> anyhow::Result<MasterKeys>;
}

/// The configuration's keys, in it or in a file.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredKeys {
    pub(crate) master: Option<SecretString>,
    pub(crate) master_file: Option<PathBuf>,
    pub(crate) sealing: Option<u32>,
}

#[async_trait]
impl MasterKeySource for ConfiguredKeys {
    async fn master_keys(&self) -> anyhow::Result<MasterKeys> {
        let text = match (&self.master, &self.master_file) {
            (Some(_), Some(_)) => {
                anyhow::bail!("keys.master and keys.master_file are both set: say one of them")
            }
            (Some(text), None) => text.clone(),
            (None, Some(file)) => {
                let text = tokio::fs::read_to_string(file).await;
                text.with_context(|| format!("keys.master_file: {} cannot be read", file.display()))?.into()
            }
            (None, None) => {
                anyhow::bail!(
                    "neither keys.master nor keys.master_file is set: personal data are sealed by it"
                )
            }
        };
        MasterKeys::new(parse_master_keys(text.expose_secret())?, self.sealing)
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

/// Reads `version:base64,…`; each may stand on a line of its own.
fn parse_master_keys(text: &str) -> anyhow::Result<Vec<MasterKey>> {
    let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    let keys = entries.map(|entry| {
        let (version, key) = entry.split_once(':').context("keys.master must be version:base64, …")?;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::io::Write as _;

    use super::*;

    fn key(version: u32) -> String {
        format!("{version}:{}", STANDARD.encode([7; 32]))
    }

    fn configured(master: &str, sealing: Option<u32>) -> ConfiguredKeys {
        ConfiguredKeys { master: Some(master.to_owned().into()), master_file: None, sealing }
    }

    #[tokio::test]
    async fn the_newest_key_seals_unless_another_is_named() {
        let two = format!("{}, {}", key(2), key(1));
        let keys = configured(&two, None).master_keys().await.unwrap();
        assert_eq!((keys.keys().len(), keys.sealing()), (2, 2));
        assert_eq!(configured(&two, Some(1)).master_keys().await.unwrap().sealing(), 1);
    }

    #[tokio::test]
    async fn keys_can_stand_in_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}\n{}", key(1), key(3)).unwrap();
        let source =
            ConfiguredKeys { master: None, master_file: Some(file.path().to_owned()), sealing: None };
        assert_eq!(source.master_keys().await.unwrap().sealing(), 3);
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_without_the_key() {
        for (master, sealing, what) in [
            (String::new(), None, "empty"),
            (key(0), None, "begin with 1"),
            (format!("{},{}", key(1), key(1)), None, "once"),
            (key(1), Some(2), "keys.sealing"),
            ("1:c2hvcnQ=".to_owned(), None, "32 bytes"),
        ] {
            let error = configured(&master, sealing).master_keys().await.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            assert!(!error.contains("c2hvcnQ") && !error.contains(&STANDARD.encode([7; 32])), "{error}");
        }
    }
}
