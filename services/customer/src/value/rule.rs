//! The rule by which values become tiers: the few customers that bring the most are A. It ranks, because which share of all
//! that is brought the first 20 of 100 bring is what the group wants to know, and not what makes somebody one of them.

use foursight_proto::customer::v1::ValueTier;
use serde::Deserialize;

/// The numbers of the rule: the configuration's table `customer.value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ValueRule {
    /// For how many days a visit or delivery counts.
    pub(crate) days: u16,
    /// What a car that was handed over counts, in fen: deliveries have no price here.
    pub(crate) delivery_fen: u32,
    /// How many of 100 customers with a value are tier A, at most.
    pub(crate) percent_a: u8,
    /// How many of 100 are tier B after those, at most.
    pub(crate) percent_b: u8,
}

impl Default for ValueRule {
    fn default() -> Self {
        Self { days: 1_096, delivery_fen: 1_000_000, percent_a: 20, percent_b: 30 }
    }
}

/// Above which values a tier begins, in fen: above the first one that has no place in it any more, so that equal values are in one tier
/// and no tier is too large. 0 where all have a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) above_a: i64,
    pub(super) above_b: i64,
}

impl ValueRule {
    /// Refuses what ranks nobody.
    ///
    /// # Errors
    /// A message that names the setting.
    pub(crate) fn check(self) -> anyhow::Result<()> {
        anyhow::ensure!(self.days >= 1, "customer.value.days must be at least 1");
        anyhow::ensure!(
            self.percent_a >= 1 && u16::from(self.percent_a) + u16::from(self.percent_b) <= 100,
            "customer.value.percent_a must be at least 1, and with percent_b at most 100"
        );
        Ok(())
    }

    /// How many of so many customers are tier A at most, and how many A or B. One at least, of any.
    pub(super) fn places(self, customers: i64) -> (i64, i64) {
        let share = |percent: i64| (customers.saturating_mul(percent) + 99) / 100;
        (share(self.percent_a.into()), share(i64::from(self.percent_a) + i64::from(self.percent_b)))
    }

    /// What the rule is known by, so that bounds of another one are made again.
    pub(super) fn mark(self) -> String {
        format!("{self:?}")
    }
}

impl Bounds {
    /// The tier of a value.
    pub(super) fn tier(self, value_fen: i64) -> ValueTier {
        match value_fen {
            ..=0 => ValueTier::Unspecified,
            value if value > self.above_a => ValueTier::A,
            value if value > self.above_b => ValueTier::B,
            _ => ValueTier::C,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The tiers of these values, in their order.
    fn tiers(rule: ValueRule, values: &[i64]) -> Vec<ValueTier> {
        let mut ranked: Vec<i64> = values.iter().copied().filter(|value| *value > 0).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        let count = i64::try_from(ranked.len()).unwrap_or(i64::MAX);
        let after = |place: i64| usize::try_from(place).ok().and_then(|place| ranked.get(place)).copied();
        let (a, b) = rule.places(count);
        let bounds = Bounds { above_a: after(a).unwrap_or(0), above_b: after(b).unwrap_or(0) };
        values.iter().map(|value| bounds.tier(*value)).collect()
    }

    #[test]
    fn the_first_fifth_is_a_and_the_next_three_tenths_are_b() {
        use ValueTier::{A, B, C, Unspecified};
        let rule = ValueRule::default();
        assert_eq!(tiers(rule, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), [A, A, B, B, B, C, C, C, C, C]);
        assert_eq!(tiers(rule, &[5]), [A]);
        assert_eq!(tiers(rule, &[5, 0]), [A, Unspecified]);
        assert_eq!(tiers(rule, &[5, 5]), [C, C], "neither of two equals is the one of them");
        assert_eq!(tiers(rule, &[9, 9, 5, 4, 4]), [B, B, B, C, C]);
        assert_eq!(tiers(rule, &[]), []);
    }

    proptest! {
        #[test]
        fn no_tier_has_more_than_its_share_and_equals_are_alike(
            values in prop::collection::vec(0_i64..40, 0..200), percent_a in 1_u8..60, percent_b in 0_u8..40,
        ) {
            let rule = ValueRule { percent_a, percent_b, ..ValueRule::default() };
            prop_assert!(rule.check().is_ok());
            let tiers = tiers(rule, &values);
            let of = |tier: ValueTier| i64::try_from(tiers.iter().filter(|other| **other == tier).count()).unwrap_or(i64::MAX);
            let ranked = i64::try_from(values.iter().filter(|value| **value > 0).count()).unwrap_or(i64::MAX);
            let (a, b) = rule.places(ranked);
            prop_assert!(of(ValueTier::A) <= a && of(ValueTier::A) + of(ValueTier::B) <= b);
            prop_assert_eq!(of(ValueTier::Unspecified) + ranked, i64::try_from(values.len()).unwrap_or(i64::MAX));
            for (one, its) in values.iter().zip(&tiers) {
                for (other, theirs) in values.iter().zip(&tiers) {
                    // More is never ranked behind less; A is 1, and nothing is 0.
                    let rank = |tier: ValueTier| if tier == ValueTier::Unspecified { 4 } else { tier as i32 };
                    prop_assert!(one < other || rank(*its) <= rank(*theirs));
                }
            }
        }

        #[test]
        fn distinct_values_fill_a_tier_to_its_share(count in 1_i64..500) {
            let rule = ValueRule::default();
            let values: Vec<i64> = (1..=count).collect();
            let tiers = tiers(rule, &values);
            let (a, b) = rule.places(count);
            let of = |tier: ValueTier| i64::try_from(tiers.iter().filter(|other| **other == tier).count()).unwrap_or(i64::MAX);
            prop_assert_eq!((of(ValueTier::A), of(ValueTier::A) + of(ValueTier::B)), (a, b));
        }
    }
}
