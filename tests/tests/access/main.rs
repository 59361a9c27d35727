//! Who may do what, in every form of the API and in the database itself: the protos' rules hold at the door, a store's
//! rows do not exist for another store's staff, and what was done stays on record.

mod audit;
mod leaving;
mod rights;
mod roles;
mod rows;
mod strangers;
mod tables;
mod together;
mod tokens;
