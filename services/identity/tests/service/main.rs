//! Identity as its callers meet it: the role in this process, on real servers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod directory;
mod sign_in;
mod world;
