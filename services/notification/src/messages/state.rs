//! Where a message stands and what may happen to it. Pure.

use foursight_proto::notification::v1::MessageState;
use jiff::{SignedDuration, Timestamp};

use crate::gate::Verdict;

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: MessageState,
    pub(crate) reason: String,
    /// How often it was handed to the provider.
    pub(crate) tries: i16,
}

/// What happens to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The gate has judged.
    Gate(Verdict),
    /// The provider has answered, or not.
    Provider(Outcome),
}

/// How the provider took it. The reason is a code, never the provider's words: those may quote the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// Not now; the same message may be taken later.
    NotNow {
        reason: String,
    },
    /// This message will never be taken.
    Refused {
        reason: String,
    },
    /// The provider refuses us, not the message: somebody has to mend the configuration.
    ChannelBroken {
        reason: String,
    },
}

/// How patient we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// How often a message is handed to the provider, at most.
    pub(crate) most_tries: i16,
    /// How long a try may take before another one is made.
    pub(crate) lease: SignedDuration,
}

/// Where a message stands afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) state: MessageState,
    pub(crate) reason: String,
    pub(crate) tries: i16,
    /// When somebody looks at it again; `None` when it is over.
    pub(crate) next_time: Option<Timestamp>,
    /// Whether the history gets a line: waiting on for the same reason is no new decision.
    pub(crate) is_decision: bool,
}

/// Whether nothing can happen any more.
pub(crate) fn is_over(state: MessageState) -> bool {
    matches!(state, MessageState::Sent | MessageState::Failed | MessageState::Suppressed)
}

/// What becomes of a message; `None` when that cannot happen to it (it is over, or was not handed over at all).
pub(crate) fn apply(
    standing: &Standing,
    happening: Happening,
    now: Timestamp,
    patience: Patience,
) -> Option<Step> {
    if is_over(standing.state) {
        return None;
    }
    let later = |wait: SignedDuration| Some(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
    // A try that the provider refused to look at says nothing about the message.
    let given_back = matches!(happening, Happening::Provider(Outcome::ChannelBroken { .. }));
    let (state, reason, next_time) = match happening {
        Happening::Gate(Verdict::AskContact) => return None,
        // Every try of it ended in a crash: it may be the message that crashes us.
        Happening::Gate(Verdict::Send) if standing.tries >= patience.most_tries => {
            (MessageState::Failed, "TOO_MANY_TRIES".to_owned(), None)
        }
        Happening::Gate(Verdict::Send) => {
            (MessageState::Sending, "ALLOWED".to_owned(), later(patience.lease))
        }
        Happening::Gate(Verdict::Hold { until, reason }) => {
            (MessageState::Held, reason.to_owned(), Some(until))
        }
        Happening::Gate(Verdict::Suppress { reason }) => (MessageState::Suppressed, reason.to_owned(), None),
        Happening::Provider(_) if standing.state != MessageState::Sending => return None,
        Happening::Provider(Outcome::Accepted) => (MessageState::Sent, "ACCEPTED".to_owned(), None),
        Happening::Provider(Outcome::NotNow { reason }) if standing.tries < patience.most_tries => {
            (MessageState::Held, reason, later(delay(standing.tries)))
        }
        Happening::Provider(Outcome::NotNow { reason } | Outcome::Refused { reason }) => {
            (MessageState::Failed, reason, None)
        }
        Happening::Provider(Outcome::ChannelBroken { reason }) => {
            (MessageState::Held, reason, later(SignedDuration::from_hours(1)))
        }
    };
    let tries = match state {
        MessageState::Sending => standing.tries + 1,
        _ if given_back => standing.tries - 1,
        _ => standing.tries,
    };
    let is_decision = state != MessageState::Held || (standing.state, &standing.reason) != (state, &reason);
    Some(Step { state, reason, tries, next_time, is_decision })
}

/// How long to wait after so many tries: 1 minute, doubled each time, at most 4 hours.
fn delay(tries: i16) -> SignedDuration {
    let doublings = u32::try_from(tries - 1).unwrap_or(0).min(8);
    SignedDuration::from_mins((1_i64 << doublings).min(240))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Patience = Patience { most_tries: 4, lease: SignedDuration::from_mins(5) };

    fn happening() -> impl Strategy<Value = Happening> {
        let reason = || "SMTP_451".to_owned();
        prop::sample::select(vec![
            Happening::Gate(Verdict::Send),
            Happening::Gate(Verdict::Send),
            Happening::Gate(Verdict::AskContact),
            Happening::Gate(Verdict::Hold { until: Timestamp::MAX, reason: "QUIET_HOURS" }),
            Happening::Gate(Verdict::Suppress { reason: "NO_CONSENT" }),
            Happening::Provider(Outcome::Accepted),
            Happening::Provider(Outcome::NotNow { reason: reason() }),
            Happening::Provider(Outcome::NotNow { reason: reason() }),
            Happening::Provider(Outcome::Refused { reason: "SMTP_550".to_owned() }),
            Happening::Provider(Outcome::ChannelBroken { reason: "SMTP_535".to_owned() }),
        ])
    }

    fn planned() -> Standing {
        Standing { state: MessageState::Planned, reason: "PLANNED".to_owned(), tries: 0 }
    }

    proptest! {
        #[test]
        fn whatever_happens_a_message_is_never_lost_and_never_sent_twice(
            happenings in prop::collection::vec(happening(), 0..40),
        ) {
            let now = Timestamp::UNIX_EPOCH;
            let mut standing = planned();
            let mut accepted = 0;
            for happening in happenings {
                let was = standing.clone();
                let Some(step) = apply(&standing, happening.clone(), now, PATIENCE) else { continue };
                prop_assert!(!is_over(was.state), "nothing happens to a message that is over");
                prop_assert_eq!(is_over(step.state), step.next_time.is_none(), "either over or looked at again");
                if let Some(next) = step.next_time {
                    prop_assert!(next > now);
                }
                if step.state == MessageState::Sent {
                    prop_assert_eq!(was.state, MessageState::Sending);
                    accepted += 1;
                }
                prop_assert!((0..=PATIENCE.most_tries).contains(&step.tries));
                prop_assert!(step.is_decision || step.state == was.state);
                standing = Standing { state: step.state, reason: step.reason, tries: step.tries };
            }
            prop_assert!(accepted <= 1);
        }
    }

    #[test]
    fn a_provider_that_never_takes_it_is_given_up_after_the_last_try() {
        let (mut standing, mut waits) = (planned(), Vec::new());
        let now = Timestamp::UNIX_EPOCH;
        while !is_over(standing.state) {
            for happening in [
                Happening::Gate(Verdict::Send),
                Happening::Provider(Outcome::NotNow { reason: "SMTP_451".to_owned() }),
            ] {
                let step = apply(&standing, happening, now, PATIENCE).unwrap();
                if step.state == MessageState::Held {
                    waits.push((step.next_time.unwrap() - now).get_seconds());
                }
                standing = Standing { state: step.state, reason: step.reason, tries: step.tries };
            }
        }
        assert_eq!((standing.state, standing.tries), (MessageState::Failed, PATIENCE.most_tries));
        assert_eq!(waits, [60, 120, 240]);
    }

    #[test]
    fn waiting_on_for_the_same_reason_is_no_new_line() {
        let night = Happening::Gate(Verdict::Hold { until: Timestamp::MAX, reason: "QUIET_HOURS" });
        let first = apply(&planned(), night.clone(), Timestamp::UNIX_EPOCH, PATIENCE).unwrap();
        assert!(first.is_decision);
        let held = Standing { state: first.state, reason: first.reason, tries: 0 };
        assert!(!apply(&held, night, Timestamp::UNIX_EPOCH, PATIENCE).unwrap().is_decision);
    }
}
