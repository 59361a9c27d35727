//! Connections to a service's database, and the transactions on them. Knows no table and no event: what a transaction says
//! of its caller is `foursight_runtime`'s business, what an outbox is `foursight_messaging`'s.

mod pool;
mod transaction;

pub use pool::{Limits, Pool, Question, Statement};
pub use transaction::Transaction;
