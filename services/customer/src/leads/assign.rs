//! `AssignLead`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, LeadId, RequestKey, Result, StaffId, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::LeadAssigned,
    v1::{AssignLeadRequest, Lead},
};
use foursight_runtime::{record, step};

use crate::{
    context::Context,
    leads::{
        row::{self, LeadRow},
        state::{ASSIGN_RIGHT, LeadError},
    },
    staff::{LEAD_RIGHT, Part},
};

const METHOD: &str = "AssignLead";

/// Gives an open lead to somebody, also one that nobody has: such a one anybody may take who can work it. When its next follow-up
/// is due does not change.
///
/// # Errors
/// `LEAD_NOT_FOUND`; `LEAD_NOT_OPEN`; `LEAD_CHANGED` when the etag is not the lead's any more; `LEAD_ALREADY_ASSIGNED` without an
/// etag when a person has given it to somebody else; `RIGHT_MISSING`; a violation of `owner` when they cannot work it;
/// `IDENTITY_AWAY`.
pub(crate) async fn assign(
    ctx: &Context,
    caller: &Principal,
    mut request: AssignLeadRequest,
) -> Result<Lead> {
    let mut v = Violations::default();
    let id: Option<LeadId> = v.name("name", &request.name);
    let owner: Option<StaffId> = v.name("owner", &request.owner);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (Some(id), Some(owner)) = (id, owner) else {
        return Err(Error::invalid_field("owner", "is required"));
    };
    // Asked before the transaction, which should not wait for a peer. A lead never changes store.
    let store = store_of(ctx, caller, id).await?;
    let may_assign = caller.has(ASSIGN_RIGHT);
    if !may_assign && caller.staff() != Some(owner) {
        return Err(LeadError::NotOnesOwn.into());
    }
    ctx.staff.require(caller, "owner", owner, store, Part::With(LEAD_RIGHT)).await?;

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let before = row::lock(&mut tx, id).await?;
    if !step::is_new(&mut tx, key.as_ref(), store, now).await? {
        return Ok(before.to_proto());
    }
    before.require_open_and_as_read(&request.etag)?;
    if before.owner() == Some(owner) {
        return Ok(before.to_proto());
    }
    // Before the right: of many who take a free lead at once, those who come later were slower, and lack nothing.
    if let Some((owner, assigner)) = before.assigned().filter(|_| request.etag.is_empty()) {
        let refused = if may_assign {
            LeadError::AlreadyAssigned { owner, assigner }
        } else {
            LeadError::AlreadyTaken { owner, assigner }
        };
        return Err(before.as_found(refused));
    }
    if !may_assign && before.owner().is_some() {
        return Err(before.as_found(LeadError::NotOnesOwn));
    }
    let by = caller.require_staff()?;
    let row = sqlx::query_as!(
        LeadRow,
        "UPDATE customer.leads
         SET owner_id = $2, release_time = NULL, assigner_id = $4, version = version + 1, update_time = $3
         WHERE id = $1
         RETURNING id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                   next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                   create_time, update_time, request_hash",
        id.uuid(),
        owner.uuid(),
        sql::at(now) as _,
        by.uuid(),
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
        method: METHOD,
        resource: &lead.name,
        store: Some(store),
        detail: serde_json::json!({ "owner": assigned.owner, "previous_owner": assigned.previous_owner }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(lead)
}

/// The store of a lead.
async fn store_of(ctx: &Context, caller: &Principal, id: LeadId) -> Result<StoreId> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query!("SELECT store_id FROM customer.leads WHERE id = $1", id.uuid());
    Ok(row.fetch_optional(&mut *tx).await?.ok_or(LeadError::NotFound)?.store_id.into())
}
