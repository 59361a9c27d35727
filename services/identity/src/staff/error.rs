//! What can be wrong with a member of staff.

use foursight_kernel::Error;

/// Why an operation on a member of staff was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StaffError {
    #[error("there is no such member of staff among those that the caller may see")]
    NotFound,
    #[error("staff.login is taken; choose another")]
    LoginTaken,
}

impl From<StaffError> for Error {
    fn from(error: StaffError) -> Self {
        let message = error.to_string();
        match error {
            StaffError::NotFound => Self::not_found("STAFF_NOT_FOUND", message),
            StaffError::LoginTaken => Self::already_exists("STAFF_LOGIN_TAKEN", message),
        }
    }
}
