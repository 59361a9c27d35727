//! What can be wrong with a command to a case.

use foursight_kernel::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CaseError {
    #[error("there is no such case among the caller's stores")]
    NotFound,
    #[error("the case was changed since it was read; read it again and decide again")]
    Changed,
    #[error("the case is closed; reopen it first")]
    AlreadyClosed,
    #[error("the case was handled already; it can be assigned again when it is reopened")]
    AlreadyHandled,
    #[error("the case is assigned already; to give it to somebody else, send the etag of the case as it is")]
    AlreadyAssigned,
    #[error("the case has to be assigned before it is handled")]
    NotAssigned,
    #[error("the case has to be handled before its result is told")]
    NotHandled,
    #[error("the result was told already")]
    ResultAlreadyTold,
    #[error("the result has to be told before the re-visit")]
    ResultNotTold,
    #[error(
        "whoever handled the case, now or in an earlier loop, may not make the re-visit; let somebody else call"
    )]
    RevisitByHandler,
    #[error("the case is not closed; there is nothing to reopen")]
    NotClosed,
    #[error("the case was closed more than 30 days ago; take a new case")]
    TooOldToReopen,
}

impl From<CaseError> for Error {
    fn from(error: CaseError) -> Self {
        let message = error.to_string();
        match error {
            CaseError::NotFound => Self::not_found("CASE_NOT_FOUND", message),
            CaseError::Changed => Self::aborted("CASE_CHANGED", message),
            CaseError::AlreadyClosed => Self::failed_precondition("CASE_ALREADY_CLOSED", message),
            CaseError::AlreadyHandled => Self::failed_precondition("CASE_ALREADY_HANDLED", message),
            CaseError::AlreadyAssigned => Self::failed_precondition("CASE_ALREADY_ASSIGNED", message),
            CaseError::NotAssigned => Self::failed_precondition("CASE_NOT_ASSIGNED", message),
            CaseError::NotHandled => Self::failed_precondition("CASE_NOT_HANDLED", message),
            CaseError::ResultAlreadyTold => Self::failed_precondition("CASE_RESULT_ALREADY_TOLD", message),
            CaseError::ResultNotTold => Self::failed_precondition("CASE_RESULT_NOT_TOLD", message),
            CaseError::RevisitByHandler => Self::failed_precondition("REVISIT_BY_HANDLER", message),
            CaseError::NotClosed => Self::failed_precondition("CASE_NOT_CLOSED", message),
            CaseError::TooOldToReopen => Self::failed_precondition("CASE_TOO_OLD_TO_REOPEN", message),
        }
    }
}
