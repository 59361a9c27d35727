//! `ListErasures`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, ErasureId, Page, Result, Violations, sql};
use foursight_proto::customer::v1::{ErasureState, ListErasuresRequest, ListErasuresResponse};

use crate::{context::Context, erasures::row::ErasureRow};

/// Erasures, newest first.
///
/// # Errors
/// Wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListErasuresRequest,
) -> Result<ListErasuresResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.optional_name("customer", &request.customer);
    let state: Option<ErasureState> = v.optional_enum("state", request.state);
    v.check()?;
    let page = Page::<ErasureId>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        ErasureRow,
        r#"SELECT id, customer_id, state, ground, reference, requester, services, request_time, complete_time,
                  NULL AS "certificate: String", NULL AS "seal: Vec<u8>"
           FROM customer.erasures
           WHERE ($1::uuid IS NULL OR customer_id = $1) AND ($2::smallint IS NULL OR state = $2)
             AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        customer.map(CustomerId::uuid),
        state.map(sql::number),
        page.after.map(ErasureId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| ErasureId::from(row.id))?;
    Ok(ListErasuresResponse { erasures: rows.iter().map(ErasureRow::to_proto).collect(), next_page_token })
}
