//! The API and the events: the only thing that two services share about each other.
//!
//! Everything here is generated from the protos beside this folder; their comments are the documentation.
//! The modules follow the packages: `foursight.customer.v1` is [`customer::v1`].

pub mod codec;
mod lists;

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    rustdoc::all,
    reason = "generated code; the protos carry the documentation"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

pub use generated::foursight::*;
pub use generated::google;
pub use lists::ListRequest;

/// The compiled protos with every option in them, as `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the bytes were made by our own build and are checked by this crate's tests"
    )]
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the descriptor set that the build made can be read")
});

/// The descriptors of all our packages, for what works on any message: JSON, access rules, field rules, OpenAPI.
pub fn descriptors() -> &'static DescriptorPool {
    &POOL
}

#[cfg(test)]
mod tests {
    #[test]
    fn descriptors_carry_our_options() {
        assert!(super::descriptors().get_extension_by_name("foursight.access.v1.rule").is_some());
        assert!(super::descriptors().get_extension_by_name("google.api.http").is_some());
    }
}
