//! What can be wrong with a store.

use foursight_kernel::Error;

/// Why an operation on a store was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("there is no such store among those that the caller may see")]
    NotFound,
    #[error("store.code is the code of another store; choose another")]
    CodeTaken,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound => Self::not_found("STORE_NOT_FOUND", message),
            StoreError::CodeTaken => Self::already_exists("STORE_CODE_TAKEN", message),
        }
    }
}
