//! What happens when a process, a server or a server's memory is lost: nothing that was acknowledged, and no effect twice.

mod away;
mod erased;
mod imports;
mod keys;
mod kills;
mod ledger;
mod lost;
mod poison;
mod sale;
mod supervised;
mod world;
