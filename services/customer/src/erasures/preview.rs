//! `PreviewErasure`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Result, Violations};
use foursight_proto::customer::v1::{PreviewErasureRequest, PreviewErasureResponse};
use foursight_runtime::erasure;

use crate::{
    context::Context,
    customers::{self, CustomerError},
    erasures::{obstacles::obstacles, row},
};

/// What an erasure would do here, and what stands against it.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_ERASED`, wrong fields.
pub(super) async fn preview(
    ctx: &Context,
    caller: &Principal,
    request: &PreviewErasureRequest,
) -> Result<PreviewErasureResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("name", &request.name);
    v.check()?;
    let customer = customer.ok_or(CustomerError::NotFound)?;
    let mut tx = ctx.db.begin(caller).await?;
    let version = sqlx::query_scalar!(
        "SELECT version FROM customer.customers WHERE id = $1 AND merged_into IS NULL",
        customer.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(version) = version else { return Err(row::gone(&mut tx, customer).await?) };
    let mut tables = erasure::erasable(&mut tx, customer).await?;
    tables.retain(|table| table.removed + table.blanked + table.kept > 0);
    let obstacles = obstacles(&mut tx, customer).await?.into_iter().map(str::to_owned).collect();
    Ok(PreviewErasureResponse { tables, obstacles, etag: customers::etag(version) })
}
