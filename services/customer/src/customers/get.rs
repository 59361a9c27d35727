//! `GetCustomer`.

use foursight_access::{Principal, Reach};
use foursight_kernel::{CustomerId, Result, Violations};
use foursight_proto::customer::v1::{Customer, GetCustomerRequest};

use crate::{
    context::Context,
    customers::{CustomerError, file},
    erasures::{self, ErasureError},
};

/// One file, masked.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when there is none in the caller's stores; `CUSTOMER_ERASED` for who reaches the whole group: a store does not
/// know any more whose the id was.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetCustomerRequest) -> Result<Customer> {
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(CustomerError::NotFound.into()) };
    if let Some(file) = file::read_one(ctx, caller, id).await? {
        return Ok(file);
    }
    if caller.reach == Reach::Group {
        let mut tx = ctx.db.begin(caller).await?;
        if let Some(erasure) = erasures::of_customer(&mut tx, id).await? {
            return Err(ErasureError::Erased(erasure).into());
        }
    }
    Err(CustomerError::NotFound.into())
}
