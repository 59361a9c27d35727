//! `GetLead`.

use foursight_access::Principal;
use foursight_kernel::{LeadId, Result, Violations};
use foursight_proto::customer::v1::{GetLeadRequest, Lead};

use crate::{
    context::Context,
    leads::{row::LeadRow, state::LeadError},
};

/// One lead.
///
/// # Errors
/// `LEAD_NOT_FOUND` when there is none in the caller's stores.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetLeadRequest) -> Result<Lead> {
    let mut v = Violations::default();
    let id: Option<LeadId> = v.name("name", &request.name);
    v.check()?;
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        LeadRow,
        "SELECT id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                create_time, update_time, request_hash
         FROM customer.leads WHERE id = $1",
        id.map(LeadId::uuid),
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.ok_or(LeadError::NotFound)?.to_proto())
}
