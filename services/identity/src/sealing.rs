//! Sealing with AES-256-GCM under the group's master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use foursight_kernel::{Error, Result};
use foursight_runtime::{MasterKey, MasterKeys};

/// Bytes of a version.
const VERSION: usize = 4;

/// Seals with the master key that seals, opens with whichever sealed. What is sealed is laid out as the master key's version
/// (four bytes, big-endian), the nonce, and the cipher text with its tag.
pub(crate) struct Sealer {
    /// By version.
    keys: Vec<(u32, RandomizedNonceKey)>,
    /// The version that seals.
    sealing: u32,
}

impl Sealer {
    pub(crate) fn new(masters: &MasterKeys) -> Result<Self> {
        let key = |key: &MasterKey| Ok((key.version, RandomizedNonceKey::new(&AES_256_GCM, &key.bytes)?));
        let keys: Result<Vec<_>, aws_lc_rs::error::Unspecified> = masters.keys().iter().map(key).collect();
        Ok(Self { keys: keys.map_err(Error::internal)?, sealing: masters.sealing() })
    }

    /// Whether the master key that seals now has sealed this.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        version_of(sealed) == Some(self.sealing)
    }

    fn key(&self, version: u32) -> Option<&RandomizedNonceKey> {
        self.keys.iter().find(|(known, _)| *known == version).map(|(_, key)| key)
    }

    /// Seals a secret so that it opens only together with `name`: a sealed value moved to another row is worthless.
    pub(crate) fn seal(&self, name: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let key = self.key(self.sealing).ok_or_else(|| Error::internal("there is no master key"))?;
        let mut text = secret.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut text).map_err(Error::internal)?;
        let mut sealed = self.sealing.to_be_bytes().to_vec();
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// `INTERNAL` when it was changed, belongs to another name, or was sealed under another master key.
    pub(crate) fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let closed =
            || Error::internal("a sealed secret does not open; does keys.master still hold its master key?");
        let key = version_of(sealed).and_then(|version| self.key(version)).ok_or_else(closed)?;
        let rest = sealed.get(VERSION..).unwrap_or_default();
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut text = text.to_vec();
        let length = key.open_in_place(nonce, Aad::from(name), &mut text).map_err(|_| closed())?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// The version of the master key that has sealed this.
pub(crate) fn version_of(sealed: &[u8]) -> Option<u32> {
    sealed.first_chunk::<VERSION>().map(|version| u32::from_be_bytes(*version))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn sealer(keys: &[(u32, u8)]) -> Sealer {
        let keys = keys.iter().map(|(version, byte)| MasterKey { version: *version, bytes: [*byte; 32] });
        Sealer::new(&MasterKeys::new(keys.collect(), None).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_only_with_its_name_and_key() {
        let sealed = sealer(&[(1, 1)]).seal(b"key-1", b"the private key").unwrap();
        assert_eq!(sealer(&[(1, 1)]).open(b"key-1", &sealed).unwrap(), b"the private key");
        assert!(sealer(&[(1, 1)]).open(b"key-2", &sealed).is_err());
        assert!(sealer(&[(1, 2)]).open(b"key-1", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(sealer(&[(1, 1)]).open(b"key-1", &changed).is_err(), "byte {place}");
            assert!(sealer(&[(1, 1)]).open(b"key-1", &sealed[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn a_younger_master_key_seals_and_the_older_still_opens() {
        let before = sealer(&[(1, 1)]).seal(b"k", b"secret").unwrap();
        let both = sealer(&[(2, 2), (1, 1)]);
        assert_eq!(both.open(b"k", &before).unwrap(), b"secret");
        let after = both.seal(b"k", b"secret").unwrap();
        assert_eq!(sealer(&[(2, 2)]).open(b"k", &after).unwrap(), b"secret");
        assert!(sealer(&[(1, 1)]).open(b"k", &after).is_err());
        assert!(both.is_current(&after) && !both.is_current(&before));
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let sealer = sealer(&[(1, 1)]);
        assert_ne!(sealer.seal(b"k", b"s").unwrap(), sealer.seal(b"k", b"s").unwrap());
    }
}
