//! What a refusal says, as a client reads it.

use std::fmt::Debug;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The stable reason that a client may branch on; empty when there is none.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Code and stable reason of a refusal.
///
/// # Panics
/// When nothing was refused.
pub fn refusal<T: Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = refused(answer);
    (status.code(), reason(&status))
}

/// A fact that a refusal carries for programs.
pub fn metadata(status: &Status, key: &str) -> Option<String> {
    status.get_details_error_info()?.metadata.get(key).cloned()
}

/// The fields that a refusal names, sorted.
///
/// # Panics
/// When nothing was refused, or not for its fields.
pub fn wrong_fields<T: Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = refused(answer);
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let mut fields: Vec<String> = violations.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}

/// The refusal itself.
///
/// # Panics
/// When nothing was refused.
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub fn refused<T: Debug>(answer: Result<T, Status>) -> Status {
    answer.unwrap_err()
}
