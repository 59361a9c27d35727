//! The demo group: twelve stores, two hundred people, their customers and three years of history, for a first look, for
//! tests and for measurements.
//!
//! `plan` says what there is, from a seed and nothing else; [`load()`] writes it, each part through the service that it
//! belongs to. Everybody in it is made up.

mod load;
mod plan;
mod rows;
mod sign_ins;
mod standing;

pub use load::{DemoReport, DemoTarget, load};
pub use sign_ins::{PASSWORD, sign_ins};
