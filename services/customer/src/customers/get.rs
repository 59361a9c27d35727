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
    let mut tx = ctx.db.begin(caller).await?;
    let ids: Vec<_> = id.iter().map(|id| id.uuid()).collect();
    let found = file::read(&mut tx, &ctx.keys, &ids).await?;
    Ok(found.into_iter().next().ok_or(CustomerError::NotFound)?)
}
