//! The program: one service by name, all of them in one process, or a whole private stack for a first look. The library
//! half is what its commands and the tests that cross services share.

pub mod audit;
mod client;
pub mod demo;
pub mod erasure;
pub mod export;
pub mod import;
pub mod keys;
pub mod roles;
pub mod story;
pub mod up;
