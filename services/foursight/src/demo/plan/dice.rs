//! The demo group's dice: every draw follows from the seed and from what is being made, not from what was made before.
//!
//! Each customer has a stream of its own. So customer 7 is the same person in a group of ten and in a group of a million,
//! the plan can be made in pieces, and a load that was stopped goes on with the very rows that it would have had.
//! Whole numbers only: floating-point libraries differ between machines in the last digit.

use foursight_kernel::Id;
use jiff::Timestamp;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// What is being made. Two kinds never share a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// The ids of stores.
    Store = 1,
    /// Staff.
    Group = 2,
    /// A customer with everything that happened.
    Customer = 3,
    /// What else is known of a customer.
    Standing = 4,
    /// The words and segments that the group has.
    Catalogue = 5,
}

/// Seeded dice.
#[derive(Debug, Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice for the `index`th thing of a kind.
    pub(crate) fn new(seed: u64, stream: Stream, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(((stream as u64) << 48) | index);
        Self(rng)
    }

    /// A whole number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most)
    }

    /// True in so many of a thousand throws.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.0.random_range(0..1000) < per_mille
    }

    /// One of several, each as likely; the slice is never empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.random_range(0..from.len())]
    }

    /// One of several by weight; some weight is above 0.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|(_, weight)| weight).sum();
        let mut left = self.0.random_range(0..total);
        for (item, weight) in from {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *item,
            }
        }
        from[0].0
    }

    /// Around a mean, within 60% of it, most often near: the mean of four throws (Irwin–Hall), close to a normal
    /// distribution with a standard deviation of 17% of the mean.
    pub(crate) fn around(&mut self, mean: i64) -> i64 {
        (0..4).map(|_| self.between(mean * 4 / 10, mean * 16 / 10)).sum::<i64>() / 4
    }

    /// An id that was made at that instant: `UUIDv7` by form.
    pub(crate) fn id<I: Id>(&mut self, made: Timestamp) -> I {
        let millis = u64::try_from(made.as_millisecond()).unwrap_or(0);
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        let id: Uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        I::from(id)
    }
}

/// Scatters `index` over `0..size` without ever hitting a place twice (for indices below `size`): what is unique by
/// number then does not look numbered.
pub(crate) const fn scatter(index: u64, seed: u64, size: u64) -> u64 {
    // A prime that divides no size used here, so that multiplying by it is one-to-one.
    const STEP: u64 = 2_654_435_761;
    // Sizes are below 2^32, so nothing overflows.
    ((index % size) * STEP % size + seed % size) % size
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn scattering_hits_no_place_twice() {
        for size in [10_000, 34_560, 27_721] {
            let hit: HashSet<_> = (0..size).map(|index| scatter(index, 42, size)).collect();
            assert_eq!(hit.len() as u64, size);
            assert!(hit.iter().all(|place| *place < size));
        }
    }

    #[test]
    fn around_stays_around() {
        let mut dice = Dice::new(1, Stream::Group, 0);
        let throws: Vec<_> = (0..10_000).map(|_| dice.around(1000)).collect();
        let mean = throws.iter().sum::<i64>() / 10_000;
        assert!((980..=1020).contains(&mean), "{mean}");
        assert!(throws.iter().all(|throw| (400..=1600).contains(throw)));
    }
}
