//! Files as people send them, byte by byte: read, refused, written and read back.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;
mod csv;
mod hostile;
mod round_trip;
mod xlsx;
