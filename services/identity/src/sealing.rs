//! Sealing with AES-256-GCM under the group's master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use foursight_kernel::{Error, Result};
use secrecy::{ExposeSecret, SecretBox};

/// The first byte of what is sealed: the layout `version, nonce, cipher text and tag`.
const VERSION: u8 = 1;

/// Seals and opens small secrets.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(master_key: &SecretBox<[u8; 32]>) -> Result<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, master_key.expose_secret()).map(Self).map_err(Error::internal)
    }

    /// Seals a secret so that it opens only together with `name`: a sealed value moved to another row is worthless.
    pub(crate) fn seal(&self, name: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let mut text = secret.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(name), &mut text).map_err(Error::internal)?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// `INTERNAL` when it was changed, belongs to another name, or was sealed under another master key.
    pub(crate) fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let closed = || {
            Error::internal("a sealed secret does not open; is the master key the one it was sealed with?")
        };
        let (nonce, text) = sealed
            .strip_prefix(&[VERSION])
            .and_then(|rest| rest.split_at_checked(NONCE_LEN))
            .ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut text = text.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(name), &mut text).map_err(|_| closed())?.len();
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&SecretBox::new(Box::new([byte; 32]))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_only_with_its_name_and_key() {
        let sealed = sealer(1).seal(b"key-1", b"the private key").unwrap();
        assert_eq!(sealer(1).open(b"key-1", &sealed).unwrap(), b"the private key");
        assert!(sealer(1).open(b"key-2", &sealed).is_err());
        assert!(sealer(2).open(b"key-1", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(sealer(1).open(b"key-1", &changed).is_err(), "byte {place}");
            assert!(sealer(1).open(b"key-1", &sealed[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        assert_ne!(sealer(1).seal(b"k", b"s").unwrap(), sealer(1).seal(b"k", b"s").unwrap());
    }
}
