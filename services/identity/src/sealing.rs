//! Sealing with AES-256-GCM under the group's master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use foursight_kernel::{Error, Result};
use foursight_runtime::MasterKey;

/// Seals with the youngest master key, opens with whichever sealed. What is sealed is laid out as the master key's version
/// (four bytes, big-endian), the nonce, and the cipher text with its tag.
pub(crate) struct Sealer {
    /// By version, the youngest last; at least one.
    keys: Vec<(u32, RandomizedNonceKey)>,
}

impl Sealer {
    pub(crate) fn new(mut master_keys: Vec<MasterKey>) -> Result<Self> {
        master_keys.sort_unstable_by_key(|key| key.version);
        let key = |key: MasterKey| Ok((key.version, RandomizedNonceKey::new(&AES_256_GCM, &key.bytes)?));
        let keys: Result<Vec<_>, aws_lc_rs::error::Unspecified> = master_keys.into_iter().map(key).collect();
        Ok(Self { keys: keys.map_err(Error::internal)? })
    }

    /// Seals a secret so that it opens only together with `name`: a sealed value moved to another row is worthless.
    pub(crate) fn seal(&self, name: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let (version, key) = self.keys.last().ok_or_else(|| Error::internal("there is no master key"))?;
        let mut text = secret.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut text).map_err(Error::internal)?;
        let mut sealed = version.to_be_bytes().to_vec();
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
        let (version, rest) = sealed.split_first_chunk::<4>().ok_or_else(closed)?;
        let version = u32::from_be_bytes(*version);
        let (_, key) = self.keys.iter().find(|(known, _)| *known == version).ok_or_else(closed)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut text = text.to_vec();
        let length = key.open_in_place(nonce, Aad::from(name), &mut text).map_err(|_| closed())?.len();
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn sealer(keys: &[(u32, u8)]) -> Sealer {
        Sealer::new(
            keys.iter().map(|(version, byte)| MasterKey { version: *version, bytes: [*byte; 32] }).collect(),
        )
        .unwrap()
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
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let sealer = sealer(&[(1, 1)]);
        assert_ne!(sealer.seal(b"k", b"s").unwrap(), sealer.seal(b"k", b"s").unwrap());
    }
}
