//! Why a step ends before its end.

use std::error::Error as _;

use foursight_kernel::{Error, unique_violation};

use crate::customers::sealing::SealingError;

/// Why a step ends before its end.
#[derive(Debug)]
pub(in crate::imports) enum Stop {
    /// The run is stopped, or somebody else's.
    Halted,
    /// The run cannot go on, for a reason that its owner can do something about.
    Failed(&'static str, String),
    /// Somebody else writes the same people in this moment.
    Clash,
    /// Anything else; it is tried again.
    Other(Error),
}

/// Whether somebody else was faster, holds what is needed, or waits in a ring with us.
fn is_clash(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    unique_violation(error).is_some()
        || code.is_some_and(|code| ["40001", "40P01", "55P03"].contains(&code.as_ref()))
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        if is_clash(&error) { Self::Clash } else { Self::Other(error.into()) }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let below = error.source().and_then(|source| source.downcast_ref::<sqlx::Error>());
        if error.reason() == "CONFLICT" || below.is_some_and(is_clash) {
            Self::Clash
        } else {
            Self::Other(error)
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<sqlx::Error>() {
            Ok(error) => error.into(),
            Err(error) => match error.downcast::<Error>() {
                Ok(error) => error.into(),
                Err(error) => Self::Other(Error::internal(format!("{error:#}"))),
            },
        }
    }
}

impl From<SealingError> for Stop {
    fn from(error: SealingError) -> Self {
        Self::Other(error.into())
    }
}
