//! `ListRelations`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, RelationId, Result, Violations};
use foursight_proto::customer::v1::{ListRelationsRequest, ListRelationsResponse};

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    relations::row::relation_rows,
};

/// A customer's relations, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; a wrong page.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListRelationsRequest,
) -> Result<ListRelationsResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<RelationId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = relation_rows!(
        "(r.customer_id = $1 OR r.other_id = $1) AND NOT r.rests AND ($2::uuid IS NULL OR r.id < $2)
         ORDER BY r.id DESC LIMIT $3",
        customer.uuid(),
        page.after.map(RelationId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id.into())?;
    let relations = rows.iter().map(|row| row.to_proto(caller, customer)).collect::<Result<_>>()?;
    Ok(ListRelationsResponse { relations, next_page_token })
}
