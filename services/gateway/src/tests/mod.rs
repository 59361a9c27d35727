//! The gateway as clients meet it, before services that answer real gRPC.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod any_input;
mod grpc;
mod http_rules;
mod json;
mod personal;
mod services;
mod streams;
