//! Who may do what: principals and their reach, rights, access tokens, the layer that enforces the protos' rules, and
//! the audit log of what was done.

pub mod audit;
pub mod layer;
pub mod principal;
pub mod rights;
pub mod rules;
pub mod token;

pub use layer::AccessLayer;
pub use principal::{Principal, Reach, Subject, caller};
pub use token::{Claims, Issuer, KeySource, PublicKey, Verifier};
