//! `CreateLead`.

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, LeadId, RequestKey, Result, StaffId, StoreId, Violations, replay, sql,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::LeadCreated,
    v1::{CreateLeadRequest, Lead, LeadGrade, LeadState, SourceChannel},
};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{stage::Dealing, stores},
    leads::{
        row::LeadRow,
        state::{self, LeadError},
    },
    names,
    staff::{LEAD_RIGHT, Part},
};

struct NewLead {
    customer: CustomerId,
    store: StoreId,
    source: SourceChannel,
    intended_model: String,
    grade: Option<LeadGrade>,
    owner: StaffId,
}

/// Registers an intention to buy. The customer becomes an intention 意向 customer, and the lead's store serves the customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `LEAD_ALREADY_OPEN`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `IDENTITY_AWAY`, and every wrong
/// field at once.
pub(crate) async fn create(ctx: &Context, caller: &Principal, request: CreateLeadRequest) -> Result<Lead> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let lead = request.lead.unwrap_or_default();
    let new = parse(&mut v, caller, &lead);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("lead", "is required")) };
    ctx.staff.require_store(caller, "lead.store", new.store).await?;
    let key = ctx.keys.request_key(request_id, &lead);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, caller: &Principal, lead: &Lead) -> Option<NewLead> {
    let customer = v.name("lead.customer", &lead.customer);
    let store = v.name("lead.store", &lead.store);
    let source = v.required_enum("lead.source", lead.source);
    let intended_model = v.line("lead.intended_model", &lead.intended_model, 0..=100);
    let grade = v.optional_enum("lead.grade", lead.grade);
    let owner = names::staff_or_caller(v, "lead.owner", &lead.owner, caller);
    Some(NewLead {
        customer: customer?,
        store: store?,
        source: source?,
        intended_model,
        grade,
        owner: owner?,
    })
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Lead>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        LeadRow,
        "SELECT id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                create_time, update_time, request_hash
         FROM customer.leads WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewLead,
    key: Option<&RequestKey>,
) -> Result<Option<Lead>> {
    // Asked before the transaction, which should not wait for a peer.
    ctx.staff.require(caller, "lead.owner", new.owner, new.store, Part::With(LEAD_RIGHT)).await?;
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the customer's row: leads of one customer come one after the other.
    stores::deal(&mut tx, new.customer, Dealing::Lead, now).await?;
    stores::link(&mut tx, new.customer, new.store, now).await?;
    if let Some(open) = open_lead(&mut tx, new).await? {
        return Err(LeadError::AlreadyOpen(open).into());
    }
    let written = insert(&mut tx, ctx, new, key, now).await;
    let Some(row) = replay::unless_taken(written, "leads_request")? else { return Ok(None) };
    let lead = row.to_proto();
    let created = LeadCreated {
        lead: lead.name.clone(),
        customer: lead.customer.clone(),
        store: lead.store.clone(),
        source: lead.source,
        grade: lead.grade,
        owner: lead.owner.clone(),
    };
    let event = NewEvent::new(&created, row.id, row.version, Some(new.store));
    let action = audit::Action {
        method: "CreateLead",
        resource: &lead.name,
        store: Some(new.store),
        detail: serde_json::json!({ "customer": lead.customer, "owner": lead.owner }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(Some(lead))
}

/// The customer's open lead at the store.
async fn open_lead(tx: &mut PgConnection, new: &NewLead) -> Result<Option<LeadId>> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM customer.leads WHERE customer_id = $1 AND store_id = $2 AND state = $3 ORDER BY id LIMIT 1",
        new.customer.uuid(),
        new.store.uuid(),
        sql::number(LeadState::Open),
    )
    .fetch_optional(tx)
    .await?;
    Ok(open.map(LeadId::from))
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    new: &NewLead,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<LeadRow, sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let row = LeadRow {
        id: ctx.ids.next::<LeadId>().uuid(),
        customer_id: new.customer.uuid(),
        store_id: new.store.uuid(),
        source: sql::number(new.source),
        intended_model: new.intended_model.clone(),
        grade: new.grade.map_or(0, sql::number),
        state: sql::number(LeadState::Open),
        owner_id: new.owner.uuid(),
        release_time: None,
        next_follow_up_time: sql::maybe_at(state::next_follow_up(new.grade, now)),
        assigner_id: None,
        loss_reason: None,
        loss_note: None,
        competitor: None,
        loser_id: None,
        lose_time: None,
        version: 1,
        create_time: sql::at(now),
        update_time: sql::at(now),
        request_hash: request_hash.map(<[u8]>::to_vec),
    };
    sqlx::query!(
        "INSERT INTO customer.leads (id, customer_id, store_id, source, intended_model, grade, state, owner_id,
             next_follow_up_time, version, create_time, update_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        row.id,
        row.customer_id,
        row.store_id,
        row.source,
        row.intended_model,
        row.grade,
        row.state,
        row.owner_id,
        row.next_follow_up_time as _,
        row.version,
        row.create_time as _,
        row.update_time as _,
        request_id,
        row.request_hash,
    )
    .execute(tx)
    .await?;
    Ok(row)
}
