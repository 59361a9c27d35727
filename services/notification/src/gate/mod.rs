//! The one policy gate: every message to a customer passes here at the moment of sending, whatever its channel, and every
//! answer has a reason that is kept and shown.
//!
//! Pure: what it needs to know is put before it. It asks for the customer's consent last, because that is a call to another
//! service; an answer is used at once and never kept.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

mod quiet_hours;

pub(crate) use quiet_hours::QuietHours;

/// How long a message waits whose channel nobody has configured.
const CHANNEL_RECHECK: SignedDuration = SignedDuration::from_hours(1);

/// How long a message waits when the customer service could not be asked.
const CONTACT_RECHECK: SignedDuration = SignedDuration::from_mins(1);

/// What the gate has to judge.
#[derive(Debug, Clone)]
pub(crate) struct Case<'a> {
    /// The moment of sending.
    pub(crate) now: Timestamp,
    /// From when on the message helps nobody any more.
    pub(crate) expires: Timestamp,
    /// Where the store is, and so, near enough, the customer.
    pub(crate) zone: &'a TimeZone,
    pub(crate) quiet_hours: QuietHours,
    /// Whether the group has set the channel up.
    pub(crate) channel_ready: bool,
    pub(crate) contact: Contact,
}

/// What the customer service said about consent and address, for this purpose, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contact {
    /// Nobody has asked yet.
    NotAsked,
    /// It did not answer.
    Away,
    Reachable,
    NoConsent,
    NoAddress,
    /// Erased or merged away.
    Unknown,
}

/// The gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing else stands against it: ask for the contact and come back.
    AskContact,
    Send,
    /// Look again at `until`.
    Hold {
        until: Timestamp,
        reason: &'static str,
    },
    /// Never.
    Suppress {
        reason: &'static str,
    },
}

/// Decides about one message.
pub(crate) fn decide(case: &Case<'_>) -> Verdict {
    if case.now >= case.expires {
        return Verdict::Suppress { reason: "EXPIRED" };
    }
    if let Some(until) = case.quiet_hours.end(case.now, case.zone) {
        return Verdict::Hold { until, reason: "QUIET_HOURS" };
    }
    if !case.channel_ready {
        return hold(case.now, CHANNEL_RECHECK, "CHANNEL_NOT_CONFIGURED");
    }
    match case.contact {
        Contact::NotAsked => Verdict::AskContact,
        Contact::Away => hold(case.now, CONTACT_RECHECK, "CUSTOMER_SERVICE_AWAY"),
        Contact::Reachable => Verdict::Send,
        Contact::NoConsent => Verdict::Suppress { reason: "NO_CONSENT" },
        Contact::NoAddress => Verdict::Suppress { reason: "NO_CONTACT" },
        Contact::Unknown => Verdict::Suppress { reason: "UNKNOWN" },
    }
}

fn hold(now: Timestamp, wait: SignedDuration, reason: &'static str) -> Verdict {
    Verdict::Hold { until: now.saturating_add(wait).unwrap_or(Timestamp::MAX), reason }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    const NIGHT: QuietHours = QuietHours { from: time(20, 0, 0, 0), until: time(9, 0, 0, 0) };

    fn contact() -> impl Strategy<Value = Contact> {
        prop::sample::select(vec![
            Contact::NotAsked,
            Contact::Away,
            Contact::Reachable,
            Contact::NoConsent,
            Contact::NoAddress,
            Contact::Unknown,
        ])
    }

    proptest! {
        #[test]
        fn what_is_sent_is_allowed_in_every_respect(
            second in 1_700_000_000_i64..1_900_000_000,
            left in -100_000_i64..1_000_000,
            channel_ready in any::<bool>(),
            contact in contact(),
            zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let now = Timestamp::from_second(second).unwrap();
            let expires = Timestamp::from_second(second + left).unwrap();
            let case = Case { now, expires, zone: &zone, quiet_hours: NIGHT, channel_ready, contact };
            match decide(&case) {
                Verdict::Send => {
                    prop_assert_eq!(contact, Contact::Reachable);
                    prop_assert!(channel_ready && now < expires);
                    prop_assert!(!NIGHT.contains(zone.to_datetime(now).time()));
                }
                Verdict::Hold { until, .. } => prop_assert!(until > now),
                Verdict::AskContact => prop_assert_eq!(contact, Contact::NotAsked),
                // An absent provider or peer, or the night, never loses a message.
                Verdict::Suppress { .. } => prop_assert!(
                    now >= expires
                        || matches!(contact, Contact::NoConsent | Contact::NoAddress | Contact::Unknown)
                ),
            }
        }
    }

    #[test]
    fn nobody_is_asked_for_a_contact_at_night() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let now = "2026-03-01T22:00:00+08:00".parse().unwrap();
        let case = Case {
            now,
            expires: Timestamp::MAX,
            zone: &zone,
            quiet_hours: NIGHT,
            channel_ready: true,
            contact: Contact::NotAsked,
        };
        let until = "2026-03-02T09:00:00+08:00".parse().unwrap();
        assert_eq!(decide(&case), Verdict::Hold { until, reason: "QUIET_HOURS" });
    }
}
