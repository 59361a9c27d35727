//! `AssignLead`.

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, LeadId, Result, StaffId, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::LeadAssigned,
    v1::{AssignLeadRequest, Lead},
};
use foursight_runtime::record;
use sqlx::PgConnection;

use crate::{
    context::Context,
    leads::{
        row::LeadRow,
        state::{self, LeadError},
    },
    staff::{LEAD_RIGHT, Part},
};

/// Gives an open lead to somebody, also one that nobody has. When its next follow-up is due does not change.
///
/// # Errors
/// `LEAD_NOT_FOUND`; `LEAD_NOT_OPEN`; a violation of `owner` when they cannot work it; `IDENTITY_AWAY`.
pub(crate) async fn assign(ctx: &Context, caller: &Principal, request: &AssignLeadRequest) -> Result<Lead> {
    let mut v = Violations::default();
    let id: Option<LeadId> = v.name("name", &request.name);
    let owner: Option<StaffId> = v.name("owner", &request.owner);
    v.check()?;
    let (Some(id), Some(owner)) = (id, owner) else {
        return Err(Error::invalid_field("owner", "is required"));
    };
    // Asked before the transaction, which should not wait for a peer. A lead never changes store.
    let store = store_of(ctx, caller, id).await?;
    ctx.staff.require(caller, "owner", owner, store, Part::With(LEAD_RIGHT)).await?;

    let mut tx = ctx.db.begin(caller).await?;
    let before = lock(&mut tx, id).await?;
    state::require_open(before.state)?;
    if before.owner() == Some(owner) {
        return Ok(before.to_proto());
    }
    let now = ctx.now();
    let row = sqlx::query_as!(
        LeadRow,
        "UPDATE customer.leads
         SET owner_id = $2, release_time = NULL, version = version + 1, update_time = $3
         WHERE id = $1
         RETURNING id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                   next_follow_up_time, version, create_time, update_time, request_hash",
        id.uuid(),
        owner.uuid(),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let lead = row.to_proto();
    let assigned = LeadAssigned {
        lead: lead.name.clone(),
        customer: lead.customer.clone(),
        store: lead.store.clone(),
        owner: lead.owner.clone(),
        previous_owner: StaffId::from(before.owner_id).name(),
    };
    let event = NewEvent::new(&assigned, row.id, row.version, Some(store));
    let action = audit::Action {
        method: "AssignLead",
        resource: &lead.name,
        store: Some(store),
        detail: serde_json::json!({ "owner": assigned.owner, "previous_owner": assigned.previous_owner }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(lead)
}

/// The store of an open lead.
async fn store_of(ctx: &Context, caller: &Principal, id: LeadId) -> Result<StoreId> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query!("SELECT store_id, state FROM customer.leads WHERE id = $1", id.uuid())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(LeadError::NotFound)?;
    state::require_open(row.state)?;
    Ok(row.store_id.into())
}

async fn lock(tx: &mut PgConnection, id: LeadId) -> Result<LeadRow> {
    let row = sqlx::query_as!(
        LeadRow,
        "SELECT id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                next_follow_up_time, version, create_time, update_time, request_hash
         FROM customer.leads WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.ok_or(LeadError::NotFound)?)
}
