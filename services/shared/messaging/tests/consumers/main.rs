//! Consumers on a real NATS: what a batch is, what becomes of one that fails, and what a later release listens to besides.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod batches;
mod probe;
mod spans;
mod widening;
