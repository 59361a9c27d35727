//! Where a follow-up call stands and what an attempt makes of it. Pure.

use foursight_proto::notification::v1::{CallResult, CallTaskState, Satisfaction};

/// After so many attempts that reached nobody the task is over (domain row N6).
pub(crate) const MOST_ATTEMPTS: i16 = 3;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: CallTaskState,
    pub(crate) attempts: i16,
}

/// How an attempt went. Satisfaction, score and category exist only where they mean something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Reached, and content; the score is the advisor's, 1 to 10.
    Satisfied {
        score: i16,
    },
    /// Reached, and not content; the category says what a complaint is to be about.
    Dissatisfied {
        score: i16,
        category: String,
    },
    NotReached(NotReached),
}

/// Why nobody was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotReached {
    NoAnswer,
    Busy,
    WrongNumber,
    /// The customer asked for another time.
    CallBack,
}

impl Outcome {
    /// As the API names it.
    pub(crate) fn result(&self) -> CallResult {
        match self {
            Self::Satisfied { .. } | Self::Dissatisfied { .. } => CallResult::Reached,
            Self::NotReached(NotReached::NoAnswer) => CallResult::NoAnswer,
            Self::NotReached(NotReached::Busy) => CallResult::Busy,
            Self::NotReached(NotReached::WrongNumber) => CallResult::WrongNumber,
            Self::NotReached(NotReached::CallBack) => CallResult::CallBack,
        }
    }

    /// What the customer said, when reached.
    pub(crate) fn satisfaction(&self) -> Option<Satisfaction> {
        match self {
            Self::Satisfied { .. } => Some(Satisfaction::Satisfied),
            Self::Dissatisfied { .. } => Some(Satisfaction::Dissatisfied),
            Self::NotReached(_) => None,
        }
    }

    /// The advisor's score, 1 to 10, when reached.
    pub(crate) fn score(&self) -> Option<i16> {
        match self {
            Self::Satisfied { score } | Self::Dissatisfied { score, .. } => Some(*score),
            Self::NotReached(_) => None,
        }
    }

    /// What the dissatisfaction is about.
    pub(crate) fn category(&self) -> Option<&str> {
        match self {
            Self::Dissatisfied { category, .. } => Some(category),
            _ => None,
        }
    }
}

/// What an attempt made of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Which attempt it was: 1, 2 or 3.
    pub(crate) number: i16,
    /// Where the task stands now.
    pub(crate) state: CallTaskState,
}

/// Records an attempt; `None` when the task is over already.
pub(crate) fn record(standing: Standing, outcome: &Outcome) -> Option<Recorded> {
    if standing.state != CallTaskState::Open || standing.attempts >= MOST_ATTEMPTS {
        return None;
    }
    let number = standing.attempts + 1;
    let state = match outcome {
        Outcome::Satisfied { .. } | Outcome::Dissatisfied { .. } => CallTaskState::Done,
        Outcome::NotReached(_) if number == MOST_ATTEMPTS => CallTaskState::Unreached,
        Outcome::NotReached(_) => CallTaskState::Open,
    };
    Some(Recorded { number, state })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            (1_i16..=10).prop_map(|score| Outcome::Satisfied { score }),
            (1_i16..=10)
                .prop_map(|score| Outcome::Dissatisfied { score, category: "sales.promise".to_owned() }),
            prop::sample::select(vec![
                NotReached::NoAnswer,
                NotReached::Busy,
                NotReached::WrongNumber,
                NotReached::CallBack,
            ])
            .prop_map(Outcome::NotReached),
        ]
    }

    proptest! {
        #[test]
        fn any_sequence_of_attempts_keeps_a_task_true(outcomes in prop::collection::vec(outcome(), 0..8)) {
            let mut standing = Standing { state: CallTaskState::Open, attempts: 0 };
            let mut taken = Vec::new();
            for outcome in &outcomes {
                let Some(recorded) = record(standing, outcome) else {
                    prop_assert_ne!(standing.state, CallTaskState::Open, "an open task takes an attempt");
                    continue;
                };
                prop_assert_eq!(standing.state, CallTaskState::Open, "a task that is over takes none");
                prop_assert_eq!(recorded.number, standing.attempts + 1);
                standing = Standing { state: recorded.state, attempts: recorded.number };
                taken.push(outcome);
            }
            prop_assert!(standing.attempts <= MOST_ATTEMPTS);
            let reached = taken.iter().filter(|outcome| outcome.result() == CallResult::Reached).count();
            let expected = match (reached, standing.attempts) {
                (0, MOST_ATTEMPTS) => CallTaskState::Unreached,
                (0, _) => CallTaskState::Open,
                _ => CallTaskState::Done,
            };
            prop_assert_eq!(standing.state, expected);
            prop_assert!(reached <= 1);
        }
    }
}
