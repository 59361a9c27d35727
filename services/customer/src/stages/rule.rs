//! The rule by which time moves a customer's stage: with whom nothing has happened for long is dormant, and later lost.

use foursight_proto::customer::v1::LifeCycleStage;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::Deserialize;

/// The longest that the rule may wait, in months.
const LONGEST: u16 = 240;

/// The numbers of the rule, in months of the calendar: the configuration's table `customer.stages`. 0: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "these are the settings' names, and a setting says its unit")]
pub(crate) struct StageRule {
    /// From when on an owner is dormant, and lost.
    pub(crate) owner_dormant_months: u16,
    pub(crate) owner_lost_months: u16,
    /// From when on somebody who never had a car or a visit here is.
    pub(crate) prospect_dormant_months: u16,
    pub(crate) prospect_lost_months: u16,
}

impl Default for StageRule {
    fn default() -> Self {
        Self {
            owner_dormant_months: 12,
            owner_lost_months: 24,
            prospect_dormant_months: 6,
            prospect_lost_months: 12,
        }
    }
}

/// What the rule asks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) stage: LifeCycleStage,
    /// Whether the customer has had a car or a visit.
    pub(super) owner: bool,
    /// When the last thing happened that counts.
    pub(super) last: Timestamp,
}

/// Before when the last dealing has to have been; never where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Before {
    dormant: Option<Timestamp>,
    lost: Option<Timestamp>,
}

/// The rule at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StageRuleAt {
    owner: Before,
    other: Before,
}

impl StageRule {
    /// Refuses numbers by which somebody would be lost before being dormant.
    ///
    /// # Errors
    /// A message that names the setting.
    pub(crate) fn check(self) -> anyhow::Result<()> {
        for (who, dormant, lost) in [
            ("owner", self.owner_dormant_months, self.owner_lost_months),
            ("prospect", self.prospect_dormant_months, self.prospect_lost_months),
        ] {
            anyhow::ensure!(
                dormant <= LONGEST && lost <= LONGEST,
                "customer.stages.{who}_dormant_months and {who}_lost_months must be at most {LONGEST}"
            );
            anyhow::ensure!(
                lost == 0 || dormant < lost,
                "customer.stages.{who}_lost_months must be more than {who}_dormant_months, or 0 for never"
            );
        }
        Ok(())
    }

    /// What the rule says now.
    pub(super) fn at(self, now: Timestamp) -> StageRuleAt {
        let before = |months: u16| {
            (months > 0).then(|| {
                let then = now.to_zoned(TimeZone::UTC).checked_sub(i32::from(months).months());
                then.map_or(Timestamp::MIN, |then| then.timestamp())
            })
        };
        StageRuleAt {
            owner: Before {
                dormant: before(self.owner_dormant_months),
                lost: before(self.owner_lost_months),
            },
            other: Before {
                dormant: before(self.prospect_dormant_months),
                lost: before(self.prospect_lost_months),
            },
        }
    }
}

impl StageRuleAt {
    /// The stage that time makes of it; `None` when it stays.
    pub(super) fn moved(&self, it: Standing) -> Option<LifeCycleStage> {
        use LifeCycleStage::{Dormant, Lost};
        let before = if it.owner { self.owner } else { self.other };
        let past = |limit: Option<Timestamp>| limit.is_some_and(|limit| it.last < limit);
        match it.stage {
            Lost => None,
            _ if past(before.lost) => Some(Lost),
            Dormant => None,
            _ if past(before.dormant) => Some(Dormant),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use LifeCycleStage::{Buyer, Dormant, Intention, Lost, Prospect, Service};
    use proptest::prelude::*;

    use super::*;

    fn standing(stage: LifeCycleStage, owner: bool, last: &str) -> Standing {
        Standing { stage, owner, last: last.parse().unwrap() }
    }

    #[test]
    fn an_owner_has_a_year_and_others_half_of_one() {
        let at = StageRule::default().at("2026-06-15T18:00:00Z".parse().unwrap());
        for (stage, owner, last, is) in [
            (Service, true, "2025-06-15T18:00:00Z", None),
            (Service, true, "2025-06-15T17:59:59Z", Some(Dormant)),
            (Buyer, true, "2024-06-15T18:00:00Z", Some(Dormant)),
            (Dormant, true, "2024-06-15T18:00:00Z", None),
            (Dormant, true, "2024-06-15T17:59:59Z", Some(Lost)),
            (Buyer, true, "2020-01-01T00:00:00Z", Some(Lost)),
            (Lost, true, "2020-01-01T00:00:00Z", None),
            (Intention, false, "2025-12-15T18:00:00Z", None),
            (Intention, false, "2025-12-15T17:59:59Z", Some(Dormant)),
            (Prospect, false, "2025-06-15T17:59:59Z", Some(Lost)),
            (Intention, true, "2025-12-01T00:00:00Z", None),
        ] {
            assert_eq!(at.moved(standing(stage, owner, last)), is, "{stage:?} since {last}");
        }
    }

    #[test]
    fn the_group_may_want_none_of_it() {
        let never = StageRule { owner_dormant_months: 0, owner_lost_months: 0, ..StageRule::default() };
        never.check().unwrap();
        let at = never.at("2026-06-15T18:00:00Z".parse().unwrap());
        assert_eq!(at.moved(standing(Service, true, "2000-01-01T00:00:00Z")), None);
        assert!(StageRule { owner_lost_months: 12, ..StageRule::default() }.check().is_err());
        assert!(StageRule { prospect_lost_months: 241, ..StageRule::default() }.check().is_err());
    }

    fn stage() -> impl Strategy<Value = LifeCycleStage> {
        (1_i32..=6).prop_map(|number| LifeCycleStage::try_from(number).unwrap())
    }

    fn rule() -> impl Strategy<Value = StageRule> {
        (0_u16..20, 1_u16..20, 0_u16..20, 1_u16..20, any::<(bool, bool)>()).prop_map(|(a, b, c, d, lost)| {
            StageRule {
                owner_dormant_months: a,
                owner_lost_months: if lost.0 { a + b } else { 0 },
                prospect_dormant_months: c,
                prospect_lost_months: if lost.1 { c + d } else { 0 },
            }
        })
    }

    proptest! {
        #[test]
        fn time_moves_one_way_and_a_second_look_finds_nothing(
            rule in rule(), stage in stage(), owner: bool, last in 0_i64..1_000_000_000, days in 0_i64..3_000, more in 0_i64..3_000,
        ) {
            prop_assert!(rule.check().is_ok());
            let place = |stage: LifeCycleStage| match stage { Lost => 2, Dormant => 1, _ => 0 };
            let last = Timestamp::from_second(last).unwrap();
            let it = Standing { stage, owner, last };
            let after = |days: i64| rule.at(Timestamp::from_second(last.as_second() + days * 86_400).unwrap());
            let soon = after(days).moved(it).unwrap_or(stage);
            prop_assert!(place(soon) >= place(stage));
            prop_assert_eq!(after(days).moved(Standing { stage: soon, ..it }), None);
            // Whoever looks later finds no less, and looking meanwhile makes no difference.
            let late = after(days + more).moved(it).unwrap_or(stage);
            prop_assert!(place(late) >= place(soon));
            prop_assert_eq!(after(days + more).moved(Standing { stage: soon, ..it }).unwrap_or(soon), late);
            // At the dealing itself nobody is dormant.
            prop_assert_eq!(after(0).moved(it), None);
        }
    }
}
