//! A customer was erased. No fact says which customer it is about; what is answered is that there was nothing to erase. The migrations say which rows.

use foursight_messaging::ConsumerSpec;
use foursight_proto::analytics::events::v1::CustomerDataErased;
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
