//! The customer file: people, their cars, leads, deliveries, visits and timeline; the one home of personal data.
//!
//! One customer has one file. Everything hangs on it: contact points, consents, cars, dealings. Sensitive facts are sealed
//! under a key of the customer's own, and leave this crate only masked, by `RevealField` (recorded) or by
//! `ResolveContacts` (consent checked). Events and audit rows carry ids and codes.
//!
//! A file is visible to the stores that serve the customer. The database enforces it: each statement runs in a
//! transaction that says how far its caller reaches, and the tables' policies do the rest. Where somebody at a counter
//! must be served with a file or a car of another store, a function of the database looks beyond: to who tells what only the
//! customer brings, and an id is never enough. It says ids, and the one name that has to be compared.

pub mod bulk;
mod consents;
mod contacts;
mod context;
mod copies;
mod customers;
mod deliveries;
mod duplicates;
mod erasures;
mod exports;
mod groups;
mod imports;
mod leads;
mod merges;
mod names;
pub mod national_id;
mod people;
mod points;
mod receptions;
mod regions;
mod relations;
mod retention;
mod role;
mod scope;
mod segments;
mod settings;
mod staff;
mod stages;
mod store_days;
mod tags;
mod timeline;
mod times;
mod value;
pub mod vehicles;
mod visits;
mod words;

pub use customers::wrapped_by_version;
pub use role::CustomerRole;
