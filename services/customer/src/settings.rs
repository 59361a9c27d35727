//! The numbers that a group may change. Section `customer` of the configuration.

use serde::Deserialize;

use crate::{stages::StageRule, value::ValueRule};

/// The section `customer`. Every field has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CustomerSettings {
    /// Whether a VIN needs the right check digit.
    pub(crate) vin_check_digit: bool,
    /// How values become tiers.
    pub(crate) value: ValueRule,
    /// When customers are dormant and lost.
    pub(crate) stages: StageRule,
}

impl Default for CustomerSettings {
    fn default() -> Self {
        Self { vin_check_digit: true, value: ValueRule::default(), stages: StageRule::default() }
    }
}
