//! What tests stand on. Everything is real: Postgres, NATS and Redis are private servers of the test process, each test
//! has a database and subjects of its own in them, and roles run in the process as they do in the product. Only the clock
//! is turned by hand, and tokens of a test of one service are signed by the test's own key.

mod builder;
mod callers;
mod directory;
mod farewell;
mod refusals;
mod servers;
mod stack;
mod stand_ins;

pub use builder::Builder;
pub use callers::{Caller, CallerChannel};
pub use directory::Directory;
pub use farewell::Farewell;
pub use refusals::{metadata, reason, refusal, refused, wrong_fields};
pub use servers::{Servers, shared_servers};
pub use stack::Stack;
pub use stand_ins::StandIn;
