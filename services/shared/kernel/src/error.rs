//! The one error that crosses a service's edge, and its one mapping to a status.
//!
//! An operation has an error type of its own; it becomes an [`Error`] once, with a code that says what kind of trouble it
//! is and a stable reason that clients may branch on. What is for the client (`message`) and what is for the log (the
//! source) are kept apart: the source never leaves the process.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error as StdError,
    fmt,
    time::Duration,
};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::Violations;

/// The domain of our reasons in `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "foursight";

/// What an operation of ours answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for the client and, apart from it, for the log.
pub struct Error(Box<Parts>);

struct Parts {
    code: Code,
    reason: &'static str,
    message: String,
    violations: Violations,
    metadata: BTreeMap<&'static str, String>,
    retry_delay: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason,
            message: message.into(),
            violations: Violations::default(),
            metadata: BTreeMap::new(),
            retry_delay: None,
            source: None,
        }))
    }

    /// The request itself is wrong; it will be wrong again.
    pub fn invalid(violations: Violations) -> Self {
        let mut error = Self::new(Code::InvalidArgument, "INVALID_FIELDS", "");
        error.0.violations = violations;
        error
    }

    /// One field is wrong.
    pub fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let mut violations = Violations::default();
        violations.push(field, description);
        Self::invalid(violations)
    }

    /// There is no such thing, or not for this caller.
    pub fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, reason, message)
    }

    /// There is one already.
    pub fn already_exists(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::AlreadyExists, reason, message)
    }

    /// Not in the state that things are in.
    pub fn failed_precondition(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, reason, message)
    }

    /// Somebody was faster; read again and decide again.
    pub fn aborted(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Aborted, reason, message)
    }

    /// The caller may not.
    pub fn permission_denied(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, reason, message)
    }

    /// Nobody knows who the caller is.
    pub fn unauthenticated(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, reason, message)
    }

    /// Too often; try again after the delay.
    pub fn exhausted(reason: &'static str, message: impl Into<String>, retry: Duration) -> Self {
        let mut error = Self::new(Code::ResourceExhausted, reason, message);
        error.0.retry_delay = Some(retry);
        error
    }

    /// Something that is needed is away; the same request may work after the delay.
    pub fn unavailable(reason: &'static str, message: impl Into<String>, retry: Duration) -> Self {
        let mut error = Self::new(Code::Unavailable, reason, message);
        error.0.retry_delay = Some(retry);
        error
    }

    /// The database does not answer.
    pub fn database_away() -> Self {
        let message = "the database does not answer now; try again";
        Self::unavailable("DATABASE_AWAY", message, Duration::from_secs(1))
    }

    /// More is asked than can be done at once.
    pub fn overloaded() -> Self {
        let message = "too much is going on here; try again";
        Self::unavailable("OVERLOADED", message, Duration::from_millis(500))
    }

    /// There was not enough time.
    pub fn deadline_exceeded(message: impl Into<String>) -> Self {
        Self::new(Code::DeadlineExceeded, "OUT_OF_TIME", message)
    }

    /// Our fault. The client learns no more than that.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error =
            Self::new(Code::Internal, "INTERNAL", "something went wrong here; the trace id helps to find it");
        error.0.source = Some(source.into());
        error
    }

    /// Adds a fact that a client may use; never personal data.
    #[must_use]
    pub fn with_metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key, value.into());
        self
    }

    /// Goes on with a sentence: what a client's user should know besides; never personal data.
    #[must_use]
    pub fn adding(mut self, more: impl fmt::Display) -> Self {
        let message = &mut self.0.message;
        *message = format!("{message}; {more}");
        self
    }

    /// Adds what the log should know and the client should not.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same trouble, for somebody else who waited for the same thing.
    #[must_use]
    pub fn again(&self) -> Self {
        let Parts { code, reason, message, violations, metadata, retry_delay, source } = &*self.0;
        Self(Box::new(Parts {
            code: *code,
            reason,
            message: message.clone(),
            violations: violations.clone(),
            metadata: metadata.clone(),
            retry_delay: *retry_delay,
            source: source.as_ref().map(|source| source.to_string().into()),
        }))
    }

    /// The kind of trouble.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The stable reason that a client may branch on.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// The fields that are wrong.
    pub fn violations(&self) -> &Violations {
        &self.0.violations
    }

    /// Whether the same request may work later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.0.code,
            Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded
        )
    }
}

/// For logs. The source speaks by its `Display`: a database error's debug form shows the row that was refused.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("reason", &self.0.reason)
            .field("message", &self.to_string())
            .field("source", &self.0.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.violations.is_empty() {
            write!(f, "{}", self.0.message)
        } else {
            write!(f, "wrong fields: ")?;
            for (index, field) in self.0.violations.fields().iter().enumerate() {
                write!(f, "{}{field}", if index == 0 { "" } else { ", " })?;
            }
            Ok(())
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let parts = *error.0;
        // Logged here and only here, where it leaves the process: the client never learns the source.
        if parts.code == Code::Internal {
            let source = parts.source.as_ref().map(ToString::to_string);
            tracing::error!(reason = parts.reason, error = source, "an operation failed");
        } else if let Some(source) = &parts.source {
            tracing::warn!(reason = parts.reason, error = %source, "an operation was refused");
        }
        let mut details = ErrorDetails::new();
        let metadata: HashMap<String, String> =
            parts.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        details.set_error_info(parts.reason, ERROR_DOMAIN, metadata);
        if !parts.violations.is_empty() {
            let violations = parts.violations.into_vec();
            details.set_bad_request(
                violations
                    .into_iter()
                    .map(|violation| FieldViolation::new(violation.field, violation.description))
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(delay) = parts.retry_delay {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(parts.code, message, details)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if database_is_away(&error) {
            return Self::database_away().with_source(error);
        }
        if let Some(code) = error.as_database_error().and_then(sqlx::error::DatabaseError::code) {
            match code.as_ref() {
                // serialization failure, deadlock, a lock that was not to be had in time
                "40001" | "40P01" | "55P03" => {
                    return Self::aborted("CONFLICT", "somebody changed the same thing now; try again");
                }
                // row-level security: the row is not the caller's
                "42501" => {
                    return Self::permission_denied(
                        "STORE_OUT_OF_REACH",
                        "the store is not one of the caller's",
                    )
                    .with_source(error);
                }
                _ => {}
            }
        }
        Self::internal(error)
    }
}

/// Whether the trouble is with the connection and not with what was asked.
pub fn database_is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_) => true,
        // 08: connection; 57P01–57P05: shut down, crashed, starting up; 53: out of resources
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code.starts_with("53")),
        _ => false,
    }
}

/// The name of the unique constraint or index that an insert ran into, so that the caller can say what exists already.
pub fn unique_violation(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    if error.is_unique_violation() { error.constraint() } else { None }
}
