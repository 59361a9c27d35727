//! `GetCustomer`.

use foursight_access::{Principal, Reach};
use foursight_kernel::{CustomerId, Error, Result, Violations};
use foursight_proto::customer::v1::{Customer, GetCustomerRequest};

use crate::{
    context::Context,
    customers::{CustomerError, file, stores},
    erasures::{self, ErasureError},
};

/// One file, masked.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when there is none in the caller's stores, `CUSTOMER_MERGED` with the file that it was merged into;
/// `CUSTOMER_ERASED` for who reaches the whole group: a store does not know any more whose the id was.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetCustomerRequest) -> Result<Customer> {
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(CustomerError::NotFound.into()) };
    match file::read_one(ctx, caller, id).await? {
        Some(file) => Ok(file),
        None => Err(absent(ctx, caller, id).await?),
    }
}

/// Whether it is not there, was erased, or was merged into a file that the caller sees.
async fn absent(ctx: &Context, caller: &Principal, id: CustomerId) -> Result<Error> {
    let mut tx = ctx.db.begin(caller).await?;
    if caller.reach == Reach::Group
        && let Some(erasure) = erasures::of_customer(&mut tx, id).await?
    {
        return Ok(ErasureError::Erased(erasure).into());
    }
    let survivor =
        sqlx::query_scalar!("SELECT customer.survivor_of($1)", id.uuid()).fetch_one(&mut *tx).await?;
    let Some(survivor) = survivor.map(CustomerId::from).filter(|survivor| *survivor != id) else {
        return Ok(CustomerError::NotFound.into());
    };
    let visible = stores::is_visible(&mut tx, survivor).await?;
    Ok(if visible { CustomerError::Merged(survivor) } else { CustomerError::NotFound }.into())
}
