//! A customer was erased. Cases lose the words of customers and staff, and whom they are of. The migrations say which rows.

use foursight_messaging::ConsumerSpec;
use foursight_proto::complaint::events::v1::CustomerDataErased;
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
