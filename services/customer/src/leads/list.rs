//! `ListLeads`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, LeadId, Page, Result, StoreId, Violations, sql};
use foursight_proto::customer::v1::{LeadState, ListLeadsRequest, ListLeadsResponse};
use jiff::Timestamp;

use crate::{context::Context, leads::row::LeadRow, scope};

/// Leads by the time of their next follow-up, the most overdue first; those without one at the end.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListLeadsRequest,
) -> Result<ListLeadsResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    let customer: Option<CustomerId> = v.optional_name("customer", &request.customer);
    let state = v.optional_enum("state", request.state).unwrap_or(LeadState::Open);
    v.check()?;
    let store = scope::store_of_list(caller, store)?;
    let page = Page::<(Option<Timestamp>, LeadId)>::parse(request)?;
    let (after_time, after_id) = page.after.unzip();

    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        LeadRow,
        "SELECT id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                create_time, update_time, request_hash
         FROM customer.leads
         WHERE state = $1
           AND ($2::uuid IS NULL OR store_id = $2)
           AND ($3::uuid IS NULL OR customer_id = $3)
           AND ($4::timestamptz IS NULL OR coalesce(next_follow_up_time, 'infinity') < $4)
           AND (NOT $8 OR release_time IS NOT NULL)
           AND ($6::uuid IS NULL
                OR (coalesce(next_follow_up_time, 'infinity'), id) > (coalesce($5::timestamptz, 'infinity'), $6))
         ORDER BY coalesce(next_follow_up_time, 'infinity'), id
         LIMIT $7",
        sql::number(state),
        store.map(StoreId::uuid),
        customer.map(CustomerId::uuid),
        sql::maybe_at(request.overdue.then(|| ctx.now())) as _,
        sql::maybe_at(after_time.flatten()) as _,
        after_id.map(LeadId::uuid),
        page.limit,
        request.unassigned,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page
        .finish(rows, |row| (row.next_follow_up_time.map(sql::Timestamp::to_jiff), LeadId::from(row.id)))?;
    Ok(ListLeadsResponse { leads: rows.iter().map(LeadRow::to_proto).collect(), next_page_token })
}
