//! The customer service as its callers see it: real database, real events, real tokens.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod assigning;
mod birthdays;
mod bulk;
mod cars;
mod colleagues;
mod consents;
mod contact_points;
mod erasures;
mod files;
mod finding;
mod guessing;
mod imports;
mod imports_files;
mod imports_many;
mod imports_rows;
mod imports_stores;
mod imports_undo;
mod leaving;
mod lost;
mod odometer;
mod one_at_a_time;
mod people;
mod plates;
mod presented;
mod receptions;
mod repeats;
mod retention;
mod scope;
mod searching;
mod standing;
mod steps;
mod story;
mod timeline;
mod updating;
mod world;
