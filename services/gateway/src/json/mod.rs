//! Canonical proto3 JSON ⇄ protobuf on the wire, in one pass each way, with the schema's tables.
//!
//! A request's fields come from three places: the body, the query, the path. Each writes its own bytes, and the bytes are
//! put one after the other: protobuf defines a later value as the one that holds and merges messages, which is just what
//! `google.api.http` asks for (the path wins).

pub(crate) mod decode;
pub(crate) mod encode;
mod object;
mod path;
mod percent;
pub(crate) mod query;
mod text;
mod time;
mod token;
mod value;
mod wire;
mod words;

#[cfg(test)]
mod oracle;

pub(crate) use path::in_json;
pub(crate) use percent::decode as percent_decode;
pub(crate) use text::{Source, put_text};
pub(crate) use wire::{last_text, nest};
pub(crate) use words::Words;
