//! Notification as its callers, the event stream and a mail server meet it: the role in this process, on real servers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod call_tasks;
mod messages;
mod peers;
mod smtp;
mod trouble;
mod world;
