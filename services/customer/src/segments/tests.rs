//! The rules, and that SQL and the rules say the same of any files.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod oracle;
mod rules;
mod tables;
