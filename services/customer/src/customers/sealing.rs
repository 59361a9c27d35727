//! Sealing of sensitive facts: AES-256-GCM under the customer's own data key, bound to the customer and the kind of fact,
//! so that a sealed value copied into another file, or into another column, does not open.
//!
//! The form of a sealed value: one byte of format (1), 12 bytes of nonce, the ciphertext, 16 bytes of tag.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    error::Unspecified,
};
use foursight_kernel::{Error, ids::Id};
use secrecy::SecretString;
use uuid::Uuid;

const FORMAT: u8 = 1;
const NONCE_LENGTH: usize = 12;

/// The kinds of sealed facts. The numbers are part of every sealed value's binding and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Phone = 1,
    Email = 2,
    Wechat = 3,
    Address = 4,
    NationalId = 16,
    /// Any fact as it was at a time.
    Fact = 17,
    /// Name and phone of somebody who has a part at the customer's car.
    Person = 18,
    /// Pieces of the file that an import brings, and of its rows that were not taken; each begins with where it stands.
    ImportFile = 19,
    ImportErrors = 20,
    /// What an import says of that file.
    ImportName = 21,
    ImportMapping = 22,
    ImportColumns = 23,
    /// What a file was before an import changed it.
    BeforeImport = 24,
}

/// Why sealing or opening failed. Says nothing of the value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealingError {
    #[error("there is no master key of the version that is needed")]
    NoMasterKey,
    #[error("a sealed value has an unknown format")]
    Format,
    #[error("a sealed value does not open: it was changed, or belongs elsewhere, or the key is wrong")]
    Refused,
}

impl From<Unspecified> for SealingError {
    fn from(_: Unspecified) -> Self {
        Self::Refused
    }
}

impl From<SealingError> for Error {
    fn from(error: SealingError) -> Self {
        Self::internal(error)
    }
}

/// The key under which one customer's facts are sealed, or what one import brings.
pub(crate) struct DataKey {
    owner: Uuid,
    key: RandomizedNonceKey,
}

impl DataKey {
    pub(crate) fn new(owner: impl Id, bytes: &[u8]) -> Result<Self, SealingError> {
        Ok(Self { owner: owner.uuid(), key: RandomizedNonceKey::new(&AES_256_GCM, bytes)? })
    }

    /// Seals a fact of this customer.
    pub(crate) fn seal(&self, kind: FieldKind, value: &str) -> Result<Vec<u8>, SealingError> {
        self.seal_bytes(kind, value.as_bytes())
    }

    /// Seals a fact of this customer that is no text.
    pub(crate) fn seal_bytes(&self, kind: FieldKind, value: &[u8]) -> Result<Vec<u8>, SealingError> {
        seal(&self.key, &self.context(kind), value)
    }

    /// Opens a fact of this customer.
    pub(crate) fn open(&self, kind: FieldKind, sealed: &[u8]) -> Result<SecretString, SealingError> {
        String::from_utf8(self.open_bytes(kind, sealed)?)
            .map(SecretString::from)
            .map_err(|_| SealingError::Format)
    }

    /// Opens a fact of this customer that is no text.
    pub(crate) fn open_bytes(&self, kind: FieldKind, sealed: &[u8]) -> Result<Vec<u8>, SealingError> {
        open(&self.key, &self.context(kind), sealed)
    }

    fn context(&self, kind: FieldKind) -> [u8; 17] {
        let mut context = [0; 17];
        context[..16].copy_from_slice(self.owner.as_bytes());
        context[16] = kind as u8;
        context
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.owner)
    }
}

pub(super) fn seal(key: &RandomizedNonceKey, context: &[u8], value: &[u8]) -> Result<Vec<u8>, SealingError> {
    let mut body = value.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(context), &mut body)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + body.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(nonce.as_ref());
    sealed.append(&mut body);
    Ok(sealed)
}

pub(super) fn open(key: &RandomizedNonceKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealingError> {
    let (&format, rest) = sealed.split_first().ok_or(SealingError::Format)?;
    if format != FORMAT {
        return Err(SealingError::Format);
    }
    let (nonce, body) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(SealingError::Format)?;
    let mut body = body.to_vec();
    let length = key.open_in_place(Nonce::from(nonce), Aad::from(context), &mut body)?.len();
    body.truncate(length);
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_kernel::CustomerId;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn key(customer: u128) -> DataKey {
        DataKey::new(CustomerId::from(Uuid::from_u128(customer)), &[3; 32]).unwrap()
    }

    #[test]
    fn nothing_of_a_key_or_value_is_printed() {
        let opened =
            key(1).open(FieldKind::Phone, &key(1).seal(FieldKind::Phone, "+8613800001234").unwrap()).unwrap();
        assert!(!format!("{opened:?}{:?}", key(1)).contains("1380"));
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same_way_twice() {
        assert_ne!(
            key(1).seal(FieldKind::Phone, "+8613800001234").unwrap(),
            key(1).seal(FieldKind::Phone, "+8613800001234").unwrap()
        );
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(value in "\\PC{0,200}") {
            let sealed = key(1).seal(FieldKind::Address, &value).unwrap();
            let opened = key(1).open(FieldKind::Address, &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), value.as_str());
        }

        #[test]
        fn what_was_changed_does_not_open(value in "\\PC{0,50}", at: prop::sample::Index, bit in 0_u8..8) {
            let mut sealed = key(1).seal(FieldKind::Email, &value).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key(1).open(FieldKind::Email, &sealed).is_err());
        }

        #[test]
        fn what_was_cut_does_not_open(value in "\\PC{0,50}", keep: prop::sample::Index) {
            let sealed = key(1).seal(FieldKind::Email, &value).unwrap();
            prop_assert!(key(1).open(FieldKind::Email, &sealed[..keep.index(sealed.len())]).is_err());
        }

        #[test]
        fn a_value_opens_in_no_other_file_and_as_no_other_kind(value in "\\PC{1,50}") {
            let sealed = key(1).seal(FieldKind::Phone, &value).unwrap();
            prop_assert!(key(2).open(FieldKind::Phone, &sealed).is_err());
            prop_assert!(key(1).open(FieldKind::Wechat, &sealed).is_err());
        }
    }
}
