//! `ListReceptions`.

use foursight_access::Principal;
use foursight_kernel::{Page, ReceptionId, Result, StoreId, Violations};
use foursight_proto::customer::v1::{ListReceptionsRequest, ListReceptionsResponse};

use crate::{context::Context, receptions::ReceptionRow, scope};

/// The register, newest first.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListReceptionsRequest,
) -> Result<ListReceptionsResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    let store = scope::store_of_list(caller, store)?;
    let page = Page::<ReceptionId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        ReceptionRow,
        "SELECT id, store_id, kind, customer_id, intended_model, contact_left, create_time, request_hash,
                file_opened, added, not_taken
         FROM customer.receptions
         WHERE ($1::uuid IS NULL OR store_id = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        store.map(StoreId::uuid),
        page.after.map(ReceptionId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| ReceptionId::from(row.id))?;
    Ok(ListReceptionsResponse {
        receptions: rows.iter().map(ReceptionRow::to_proto).collect(),
        next_page_token,
    })
}
