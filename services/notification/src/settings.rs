//! The numbers that a group may change. Section `notification` of the configuration.

use std::time::Duration;

use jiff::{SignedDuration, civil::Time, tz::TimeZone};
use secrecy::SecretString;
use serde::Deserialize;

use crate::{gate::QuietHours, messages::state::Patience, templates::Language};

/// The section `notification`. Every field has a default; an empty section is a working one, without a mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationSettings {
    /// The mail server: `smtps://user:password@host:port` (TLS), or `smtp://user:password@host:port?tls=required`
    /// (STARTTLS). User and password are URL-encoded. Without it, e-mail waits as `CHANNEL_NOT_CONFIGURED`. A secret.
    pub smtp_url: Option<SecretString>,
    /// Whom messages come from: `address` or `Name <address>`.
    pub from: String,
    /// The language of messages to customers.
    pub language: Language,
    /// The zone of a store that identity has not told us about yet (IANA name).
    pub time_zone: String,
    /// Who signs for a store that identity has not told us about yet.
    pub signature: String,
    /// Start of the quiet hours, local time of the store. The same as the end: no quiet hours.
    pub quiet_from: Time,
    /// End of the quiet hours, local time of the store.
    pub quiet_until: Time,
    /// A delivery's follow-up call (7DC) is due so many days after it.
    pub call_after_delivery_days: u16,
    /// A service visit's follow-up call (3DC) is due so many days after it.
    pub call_after_service_days: u16,
    /// The first service reminder goes out so many months after the delivery.
    pub first_service_months: u16,
    /// The first service reminder goes out at this local time of the store.
    pub first_service_time: Time,
    /// A message is handed to the provider so often, at most; the delays between double from 1 minute to 4 hours.
    pub most_tries: u16,
    /// How often the dispatcher looks for messages that are due, in seconds.
    pub dispatch_seconds: u64,
    /// How often tasks of nobody, or of leavers, are given to somebody, in seconds.
    pub assign_seconds: u64,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            smtp_url: None,
            from: "Foursight <no-reply@foursight.example>".to_owned(),
            language: Language::default(),
            time_zone: "Asia/Shanghai".to_owned(),
            signature: "Foursight".to_owned(),
            quiet_from: Time::constant(20, 0, 0, 0),
            quiet_until: Time::constant(9, 0, 0, 0),
            call_after_delivery_days: 7,
            call_after_service_days: 3,
            first_service_months: 5,
            first_service_time: Time::constant(10, 0, 0, 0),
            most_tries: 12,
            dispatch_seconds: 5,
            assign_seconds: 60,
        }
    }
}

impl NotificationSettings {
    /// The quiet hours.
    pub(crate) fn quiet_hours(&self) -> QuietHours {
        QuietHours { from: self.quiet_from, until: self.quiet_until }
    }

    /// How often and how long a message is tried. The lease is far longer than a try takes.
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            most_tries: i16::try_from(self.most_tries.max(1)).unwrap_or(i16::MAX),
            lease: SignedDuration::from_mins(5),
        }
    }

    /// The zone of stores that we do not know yet; UTC when the setting names none that exists.
    pub(crate) fn fallback_zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    pub(crate) fn dispatch_interval(&self) -> Duration {
        Duration::from_secs(self.dispatch_seconds.max(1))
    }

    pub(crate) fn assign_interval(&self) -> Duration {
        Duration::from_secs(self.assign_seconds.max(1))
    }
}
