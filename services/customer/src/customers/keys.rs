//! The keys outside the database: master keys, by version, that wrap each customer's data key, and the key of the hashes.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::{
    aead::{AES_256_GCM, RandomizedNonceKey},
    hmac,
};

use foursight_kernel::CustomerId;

use crate::customers::sealing::{self, DataKey, SealingError};

/// A 256-bit key.
pub(crate) type KeyBytes = [u8; 32];

/// What [`DataKey`]s are wrapped by and values are hashed with. Made once, from the settings.
pub(crate) struct KeyRing {
    masters: BTreeMap<i32, RandomizedNonceKey>,
    current: i32,
    hashing: hmac::Key,
}

/// A customer's data key as it stands in `customer_keys`.
#[derive(Debug, Clone)]
pub(crate) struct WrappedKey {
    pub(crate) master_version: i32,
    pub(crate) wrapped: Vec<u8>,
}

impl KeyRing {
    /// A ring that wraps with the newest of the master keys and unwraps with all of them.
    ///
    /// # Errors
    /// When there is no master key, or a version is not positive.
    pub(crate) fn new(
        masters: impl IntoIterator<Item = (i32, KeyBytes)>,
        hashing: &KeyBytes,
    ) -> Result<Self, SealingError> {
        let masters = masters
            .into_iter()
            .map(|(version, bytes)| Ok((version, RandomizedNonceKey::new(&AES_256_GCM, &bytes)?)))
            .collect::<Result<BTreeMap<_, _>, SealingError>>()?;
        let current = masters
            .keys()
            .next_back()
            .copied()
            .filter(|version| *version > 0)
            .ok_or(SealingError::NoMasterKey)?;
        Ok(Self { masters, current, hashing: hmac::Key::new(hmac::HMAC_SHA256, hashing) })
    }

    /// A fresh data key for a new file, and its wrapped form.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub(crate) fn new_data_key(&self, customer: CustomerId) -> Result<(DataKey, WrappedKey), SealingError> {
        let mut bytes: KeyBytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        let master = self.masters.get(&self.current).ok_or(SealingError::NoMasterKey)?;
        let wrapped = sealing::seal(master, &wrapping_context(customer, self.current), &bytes)?;
        let key = DataKey::new(customer, &bytes)?;
        bytes.fill(0);
        Ok((key, WrappedKey { master_version: self.current, wrapped }))
    }

    /// The data key of a file.
    ///
    /// # Errors
    /// When the master key of its version is missing, or the row was tampered with.
    pub(crate) fn unwrap(&self, customer: CustomerId, key: &WrappedKey) -> Result<DataKey, SealingError> {
        let master = self.masters.get(&key.master_version).ok_or(SealingError::NoMasterKey)?;
        let mut bytes = sealing::open(master, &wrapping_context(customer, key.master_version), &key.wrapped)?;
        let data_key = DataKey::new(customer, &bytes);
        bytes.fill(0);
        data_key
    }

    /// The key of the hashes.
    pub(crate) fn hashing(&self) -> &hmac::Key {
        &self.hashing
    }
}

/// Binds a wrapped key to its customer and master version: it opens nowhere else.
fn wrapping_context(customer: CustomerId, version: i32) -> Vec<u8> {
    [b"foursight data key".as_slice(), customer.uuid().as_bytes(), &version.to_be_bytes()].concat()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;
    use crate::customers::sealing::FieldKind;

    pub(crate) fn ring() -> KeyRing {
        KeyRing::new([(1, [1; 32])], &[7; 32]).unwrap()
    }

    #[test]
    fn a_ring_with_a_newer_master_key_still_opens_what_the_older_one_wrapped() {
        let customer = CustomerId::from(Uuid::from_u128(1));
        let (key, wrapped) = ring().new_data_key(customer).unwrap();
        let sealed = key.seal(FieldKind::Phone, "+8613800001234").unwrap();

        let rotated = KeyRing::new([(1, [1; 32]), (2, [2; 32])], &[7; 32]).unwrap();
        assert_eq!(rotated.new_data_key(customer).unwrap().1.master_version, 2);
        let opened = rotated.unwrap(customer, &wrapped).unwrap().open(FieldKind::Phone, &sealed).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&opened), "+8613800001234");
    }

    #[test]
    fn a_wrapped_key_serves_no_other_customer_and_no_other_master_key() {
        let (_, wrapped) = ring().new_data_key(CustomerId::from(Uuid::from_u128(1))).unwrap();
        assert!(ring().unwrap(CustomerId::from(Uuid::from_u128(2)), &wrapped).is_err());
        let other = KeyRing::new([(1, [9; 32])], &[7; 32]).unwrap();
        assert!(other.unwrap(CustomerId::from(Uuid::from_u128(1)), &wrapped).is_err());
    }

    #[test]
    fn a_ring_without_a_master_key_is_refused() {
        assert!(KeyRing::new([], &[7; 32]).is_err());
        assert!(KeyRing::new([(0, [1; 32])], &[7; 32]).is_err());
    }
}
