//! The keys outside the database: master keys, by version, that wrap each customer's data key, and the key of the hashes.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::{
    aead::{AES_256_GCM, RandomizedNonceKey},
    hmac,
};

use foursight_kernel::ids::Id;
use foursight_runtime::MasterKeys;

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
    /// A ring that wraps with the master key that seals and unwraps with all of them.
    ///
    /// # Errors
    /// When a version is larger than the database's.
    pub(crate) fn new(masters: &MasterKeys, hashing: &KeyBytes) -> Result<Self, SealingError> {
        let version = |version: u32| i32::try_from(version).map_err(|_| SealingError::NoMasterKey);
        let keys = masters.keys().iter();
        let keys =
            keys.map(|key| Ok((version(key.version)?, RandomizedNonceKey::new(&AES_256_GCM, &key.bytes)?)));
        Ok(Self {
            masters: keys.collect::<Result<BTreeMap<_, _>, SealingError>>()?,
            current: version(masters.sealing())?,
            hashing: hmac::Key::new(hmac::HMAC_SHA256, hashing),
        })
    }

    /// The version of the master key that wraps.
    pub(crate) fn current(&self) -> i32 {
        self.current
    }

    /// The versions of the other master keys.
    pub(crate) fn others(&self) -> Vec<i32> {
        self.masters.keys().copied().filter(|version| *version != self.current).collect()
    }

    /// A fresh data key for a new file, or for an import, and its wrapped form.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub(crate) fn new_data_key(&self, owner: impl Id) -> Result<(DataKey, WrappedKey), SealingError> {
        let mut bytes: KeyBytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        let wrapped = self.wrap(owner, &bytes);
        let key = DataKey::new(owner, &bytes);
        bytes.fill(0);
        Ok((key?, wrapped?))
    }

    /// The same data key, wrapped by the master key that wraps now.
    ///
    /// # Errors
    /// When the master key of its version is missing, or the row was tampered with.
    pub(crate) fn rewrap(&self, owner: impl Id, key: &WrappedKey) -> Result<WrappedKey, SealingError> {
        let mut bytes = self.bytes(owner, key)?;
        let wrapped = self.wrap(owner, &bytes);
        bytes.fill(0);
        wrapped
    }

    /// The data key of a file or an import.
    ///
    /// # Errors
    /// When the master key of its version is missing, or the row was tampered with.
    pub(crate) fn unwrap(&self, owner: impl Id, key: &WrappedKey) -> Result<DataKey, SealingError> {
        let mut bytes = self.bytes(owner, key)?;
        let data_key = DataKey::new(owner, &bytes);
        bytes.fill(0);
        data_key
    }

    fn wrap(&self, owner: impl Id, bytes: &[u8]) -> Result<WrappedKey, SealingError> {
        let master = self.masters.get(&self.current).ok_or(SealingError::NoMasterKey)?;
        let wrapped = sealing::seal(master, &wrapping_context(owner, self.current), bytes)?;
        Ok(WrappedKey { master_version: self.current, wrapped })
    }

    fn bytes(&self, owner: impl Id, key: &WrappedKey) -> Result<Vec<u8>, SealingError> {
        let master = self.masters.get(&key.master_version).ok_or(SealingError::NoMasterKey)?;
        sealing::open(master, &wrapping_context(owner, key.master_version), &key.wrapped)
    }

    /// The key of the hashes.
    pub(crate) fn hashing(&self) -> &hmac::Key {
        &self.hashing
    }
}

/// Binds a wrapped key to its owner and master version: it opens nowhere else.
fn wrapping_context(owner: impl Id, version: i32) -> Vec<u8> {
    [b"foursight data key".as_slice(), owner.uuid().as_bytes(), &version.to_be_bytes()].concat()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_kernel::CustomerId;
    use foursight_runtime::MasterKey;
    use uuid::Uuid;

    use super::*;
    use crate::customers::sealing::FieldKind;

    pub(crate) fn ring() -> KeyRing {
        ring_of(&[(1, 1)], None, 7)
    }

    pub(crate) fn ring_of(masters: &[(u32, u8)], sealing: Option<u32>, hashing: u8) -> KeyRing {
        let masters =
            masters.iter().map(|(version, byte)| MasterKey { version: *version, bytes: [*byte; 32] });
        KeyRing::new(&MasterKeys::new(masters.collect(), sealing).unwrap(), &[hashing; 32]).unwrap()
    }

    #[test]
    fn a_ring_with_a_newer_master_key_still_opens_what_the_older_one_wrapped() {
        let customer = CustomerId::from(Uuid::from_u128(1));
        let (key, wrapped) = ring().new_data_key(customer).unwrap();
        let sealed = key.seal(FieldKind::Phone, "+8613800001234").unwrap();

        let told = ring_of(&[(1, 1), (2, 2)], Some(1), 7);
        assert_eq!(told.new_data_key(customer).unwrap().1.master_version, 1);
        let rotated = ring_of(&[(1, 1), (2, 2)], None, 7);
        assert_eq!(rotated.new_data_key(customer).unwrap().1.master_version, 2);
        let rewrapped = rotated.rewrap(customer, &wrapped).unwrap();
        assert_eq!(rewrapped.master_version, 2);
        for (ring, wrapped) in [
            (&rotated, &wrapped),
            (&rotated, &rewrapped),
            (&told, &rewrapped),
            (&ring_of(&[(2, 2)], None, 7), &rewrapped),
        ] {
            let opened = ring.unwrap(customer, wrapped).unwrap().open(FieldKind::Phone, &sealed).unwrap();
            assert_eq!(secrecy::ExposeSecret::expose_secret(&opened), "+8613800001234");
        }
        assert!(ring().unwrap(customer, &rewrapped).is_err());
    }

    #[test]
    fn a_wrapped_key_serves_no_other_customer_and_no_other_master_key() {
        let (_, wrapped) = ring().new_data_key(CustomerId::from(Uuid::from_u128(1))).unwrap();
        assert!(ring().unwrap(CustomerId::from(Uuid::from_u128(2)), &wrapped).is_err());
        let other = ring_of(&[(1, 9)], None, 7);
        assert!(other.unwrap(CustomerId::from(Uuid::from_u128(1)), &wrapped).is_err());
    }
}
