//! One API in three forms: JSON over HTTP, gRPC-Web and gRPC.
//!
//! Everything here is driven by the descriptors: a method with a `google.api.http` annotation is reachable by JSON, and one
//! without a rule, or with a rule for services only, is reachable by nobody from outside. A call takes this way:
//! `gateway` looks at what it is, `routes` finds the method, `door` decides who comes in and how often, then
//! `transcode` (JSON) or `proxy` (gRPC) calls the service, and `problem` says what went wrong.

mod answers;
mod call;
mod docs;
mod door;
mod framing;
mod gateway;
mod health;
mod json;
mod limits;
mod openapi;
mod problem;
mod proxy;
mod role;
mod routes;
mod schema;
mod settings;
mod stream;
mod transcode;

#[cfg(test)]
mod tests;

pub use role::GatewayRole;
