//! The configuration's section `[identity]`.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::tokens::Lives;

/// What can be set for identity.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentitySettings {
    /// Minutes that an access token lives, and so that somebody who left keeps access at most: 1 to 60.
    access_token_minutes: i64,
    /// Days that a session waits for its next refresh: 1 to 90.
    refresh_token_days: i64,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self { access_token_minutes: 10, refresh_token_days: 14 }
    }
}

impl IdentitySettings {
    pub(crate) fn lives(&self) -> anyhow::Result<Lives> {
        let (minutes, days) = (self.access_token_minutes, self.refresh_token_days);
        anyhow::ensure!((1..=60).contains(&minutes), "identity.access_token_minutes must be from 1 to 60");
        anyhow::ensure!((1..=90).contains(&days), "identity.refresh_token_days must be from 1 to 90");
        Ok(Lives {
            access: SignedDuration::from_mins(minutes),
            refresh: SignedDuration::from_hours(days * 24),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_never_lives_for_long() {
        assert!(IdentitySettings::default().lives().is_ok());
        assert!(IdentitySettings { access_token_minutes: 61, ..Default::default() }.lives().is_err());
        assert!(IdentitySettings { refresh_token_days: 0, ..Default::default() }.lives().is_err());
    }
}
