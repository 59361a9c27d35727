//! Complaints, from intake to the satisfied re-visit 回访.
//!
//! - [`cases`]: the life of a case, one file for each operation; its rules stand beside them, pure.
//! - [`intake`]: a dissatisfied follow-up call becomes a case at once.
//! - [`breaches`]: notices deadlines that passed.
//! - [`stores`]: what identity told of stores and staff: hours to count on, people to assign to.
//! - [`customers`]: what becomes of customers: who was erased.
//! - [`bulk`]: cases of the past, for the demo group.
//!
//! A customer is an id here. Whoever the customer is, only the customer service knows.

mod breaches;
pub mod bulk;
mod cases;
mod customers;
mod intake;
mod role;
mod stores;

pub use role::ComplaintRole;
