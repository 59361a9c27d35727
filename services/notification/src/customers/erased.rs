//! A customer was erased. Messages and calls that nobody has made go; calls that were made lose their words. The migrations say which rows.

use foursight_messaging::ConsumerSpec;
use foursight_proto::notification::events::v1::CustomerDataErased;
use foursight_runtime::{
    RoleContext,
    erasure::{self, Done},
};

/// The consumer that erases, and answers what it did.
pub(crate) fn consumer(ctx: &RoleContext) -> ConsumerSpec {
    erasure::consumer(ctx.clock.clone(), ctx.ids.clone(), |Done { customer, erasure, tables }| {
        CustomerDataErased { customer, erasure, tables }
    })
}
