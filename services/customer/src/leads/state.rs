//! The rules of a lead: its grade says how soon the customer buys, and so when the next follow-up is due.

use foursight_kernel::{Error, LeadId, StaffId};
use foursight_proto::customer::v1::{LeadGrade, LeadState};
use jiff::{SignedDuration, Timestamp};

/// What giving leads to anybody needs; taking one that is nobody's does not.
pub(crate) const ASSIGN_RIGHT: &str = "lead.assign";

/// What an operation on a lead is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LeadError {
    #[error("there is no such lead, or not in the caller's stores")]
    NotFound,
    #[error("the lead is won or lost already")]
    NotOpen,
    #[error("the lead was changed since it was read; read it again and decide again")]
    Changed,
    #[error("the lead is another customer's or another store's")]
    OtherDeal,
    #[error("the customer has an open lead at this store already; work on that one")]
    AlreadyOpen(LeadId),
    #[error(
        "somebody has given the lead to {} already; to give it to somebody else, send the etag of the lead as it is",
        owner.name()
    )]
    AlreadyAssigned { owner: StaffId, assigner: StaffId },
    /// The same to who may take only what is nobody's.
    #[error(
        "somebody was faster: the lead is {}'s by now; the caller's roles allow only to take what is nobody's",
        owner.name()
    )]
    AlreadyTaken { owner: StaffId, assigner: StaffId },
    #[error(
        "the lead is somebody's, or is to be somebody else's; the caller's roles allow only to take what is nobody's"
    )]
    NotOnesOwn,
}

impl From<LeadError> for Error {
    fn from(error: LeadError) -> Self {
        let message = error.to_string();
        match error {
            LeadError::NotFound => Self::not_found("LEAD_NOT_FOUND", message),
            LeadError::NotOpen => Self::failed_precondition("LEAD_NOT_OPEN", message),
            LeadError::Changed => Self::aborted("LEAD_CHANGED", message),
            LeadError::AlreadyOpen(lead) => {
                Self::already_exists("LEAD_ALREADY_OPEN", message).with_metadata("lead", lead.name())
            }
            LeadError::AlreadyAssigned { owner, assigner } | LeadError::AlreadyTaken { owner, assigner } => {
                Self::failed_precondition("LEAD_ALREADY_ASSIGNED", message)
                    .with_metadata("owner", owner.name())
                    .with_metadata("assigner", assigner.name())
            }
            // As the access layer refuses who has the right for no part of the method.
            LeadError::NotOnesOwn => {
                Self::permission_denied("RIGHT_MISSING", message).with_metadata("right", ASSIGN_RIGHT)
            }
            LeadError::OtherDeal => Self::failed_precondition("LEAD_OF_OTHER_DEAL", message),
        }
    }
}

/// When the next follow-up falls due: H after 2 days, A 4, B 7, C 15 (of 24 hours). A lead without a grade has none.
pub(crate) fn next_follow_up(grade: Option<LeadGrade>, from: Timestamp) -> Option<Timestamp> {
    let days = match grade? {
        LeadGrade::H => 2,
        LeadGrade::A => 4,
        LeadGrade::B => 7,
        LeadGrade::C => 15,
        LeadGrade::Unspecified => return None,
    };
    from.checked_add(SignedDuration::from_hours(24 * days)).ok()
}

/// Refuses to work on a lead that is over.
pub(crate) fn require_open(state: i16) -> Result<(), LeadError> {
    if i32::from(state) == LeadState::Open as i32 { Ok(()) } else { Err(LeadError::NotOpen) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_grade_says_when_the_next_follow_up_is_due() {
        let from: Timestamp = "2026-11-22T09:30:00Z".parse().unwrap();
        for (grade, due) in [
            (LeadGrade::H, "2026-11-24T09:30:00Z"),
            (LeadGrade::A, "2026-11-26T09:30:00Z"),
            (LeadGrade::B, "2026-11-29T09:30:00Z"),
            (LeadGrade::C, "2026-12-07T09:30:00Z"),
        ] {
            assert_eq!(next_follow_up(Some(grade), from).unwrap().to_string(), due);
        }
        assert_eq!(next_follow_up(None, from), None);
    }

    #[test]
    fn a_lead_that_is_over_stays_over() {
        assert_eq!(require_open(1), Ok(()));
        assert_eq!(require_open(2), Err(LeadError::NotOpen));
        assert_eq!(require_open(3), Err(LeadError::NotOpen));
    }
}
