//! `GetCustomer`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Result, Violations};
use foursight_proto::customer::v1::{Customer, GetCustomerRequest};

use crate::{
    context::Context,
    customers::{CustomerError, file},
};

/// One file, masked.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when there is none in the caller's stores.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetCustomerRequest) -> Result<Customer> {
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(CustomerError::NotFound.into()) };
    Ok(file::read_one(ctx, caller, id).await?.ok_or(CustomerError::NotFound)?)
}
