//! `foursight config`.

use anyhow::Result;

use super::print;
use crate::cli::Config;

/// Prints the effective configuration, with secrets hidden.
pub(super) fn run(config: &Config) -> Result<()> {
    print(config.settings_here()?.to_toml_without_secrets()?.trim_end())
}
