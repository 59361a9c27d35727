//! What every role runs on: configuration, telemetry, life cycle, listeners, layers, the database with its scoped
//! transactions, the trait that a role implements, and the directory of peers.

pub mod customer_data;
pub mod database;
pub mod deadline;
pub mod edge;
pub mod erasure;
pub mod health;
pub mod keys;
pub mod merging;
pub mod migrate;
pub mod peers;
pub mod record;
pub mod role;
pub mod run;
pub mod settings;
pub mod staffing;
pub mod step;
pub mod telemetry;
pub mod together;
pub mod worker;

pub use database::{Database, Tx, Within};
pub use foursight_database::Statement;
pub use foursight_kernel::trace::trace_id;
pub use health::Readiness;
pub use keys::{HashKey, MasterKey, MasterKeySource, MasterKeys};
pub use peers::{Anonymous, PeerChannel, Peers};
pub use role::{Role, RoleContext, RoleParts};
pub use run::{Addresses, Running, SlowBody, Start};
pub use settings::Settings;
pub use together::{RowsById, Together};
pub use worker::{Tick, Worker};
