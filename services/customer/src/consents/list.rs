//! `ListConsents`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, Result, Violations};
use foursight_proto::customer::v1::{ListConsentsRequest, ListConsentsResponse};

use crate::{
    consents::ConsentRow,
    context::Context,
    customers::{CustomerError, stores},
};

/// Every record of a customer, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListConsentsRequest,
) -> Result<ListConsentsResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<i64>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        ConsentRow,
        "SELECT id, customer_id, purpose, contact_kind, state, method, wording_version, recorder, version, create_time,
                request_hash
         FROM customer.consents
         WHERE customer_id = $1 AND ($2::bigint IS NULL OR version < $2) ORDER BY version DESC LIMIT $3",
        customer.uuid(),
        page.after,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.version)?;
    Ok(ListConsentsResponse { consents: rows.iter().map(ConsentRow::to_proto).collect(), next_page_token })
}
