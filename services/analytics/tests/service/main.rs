//! The analytics service on real servers: events in, measures out.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod measures;
mod oracle;
mod reach;
mod rebuild;
