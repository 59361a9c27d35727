//! Identity: the group's stores and staff, and the tokens by which everybody else knows a caller.
//!
//! [`IdentityRole`] serves `DirectoryService` (stores, their calendars, staff and roles) and `TokenService` (sign-in,
//! sessions, keys). Deliberately absent: any call to another service. Identity can be asked by all because it asks nobody.

pub mod bulk;
mod directory;
mod password;
mod repeats;
mod role;
mod sealing;
mod settings;
mod staff;
mod stores;
mod tokens;

pub use password::hash_password;
pub use role::IdentityRole;
pub use tokens::sealed_by_version;
