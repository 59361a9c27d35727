//! `CreateReception`.

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, ReceptionId, RequestKey, Result, StaffId, StoreId, Violations, replay, sql,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::ReceptionCreated,
    v1::{CreateReceptionRequest, Reception, ReceptionKind, VisitorOutcome},
};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{NewFile, stage::Dealing, stores},
    receptions::{
        ReceptionRow,
        visitor::{self, NoFile, Served},
    },
};

/// How often a visitor's file is looked for again when somebody else opened it in that moment.
const ATTEMPTS: usize = 3;

struct NewReception {
    store: StoreId,
    kind: ReceptionKind,
    who: Who,
    intended_model: String,
}

enum Who {
    Nobody,
    Known(CustomerId),
    Visitor(Box<NewFile>),
}

/// Who came, and what became of what was told.
#[derive(Default)]
struct Guest {
    customer: Option<CustomerId>,
    outcome: Option<VisitorOutcome>,
    /// What agreed with a visitor's file, by kinds.
    confirmed_by: Vec<&'static str>,
}

enum Written {
    Done(Box<Reception>),
    RequestTaken,
    /// Somebody opened the visitor's file in that moment.
    FileOpened,
}

/// Registers somebody who came in. A visitor who is on file at any store of the group is served with that file, which the
/// reception's store sees from now on; an unknown one gets a file.
///
/// # Errors
/// `VISITOR_NOT_CONFIRMED`, `TOO_MANY_TRIES`, `STORE_OUT_OF_REACH`, `CUSTOMER_NOT_FOUND`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(crate) async fn create(
    ctx: &Context,
    caller: &Principal,
    request: CreateReceptionRequest,
) -> Result<Reception> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let reception = request.reception.unwrap_or_default();
    let new = parse(&mut v, ctx, &reception);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("reception", "is required")) };
    ctx.staff.require_store(caller, "reception.store", new.store).await?;
    let key = ctx.keys.request_key(request_id, &reception);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, ctx: &Context, reception: &Reception) -> Option<NewReception> {
    let store = v.name("reception.store", &reception.store);
    let kind = v.required_enum("reception.kind", reception.kind);
    let intended_model = v.line("reception.intended_model", &reception.intended_model, 0..=100);
    let known = v.optional_name("reception.customer", &reception.customer);
    let who = match &reception.visitor {
        None => Some(known.map_or(Who::Nobody, Who::Known)),
        Some(visitor) => {
            if !reception.customer.is_empty() {
                v.push("reception.visitor", "must be absent when the customer is named");
            }
            NewFile::parse(v, "reception.visitor", visitor, store, ctx.today())
                .map(|file| Who::Visitor(Box::new(file)))
        }
    };
    Some(NewReception { store: store?, kind: kind?, who: who?, intended_model })
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Reception>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        ReceptionRow,
        "SELECT id, store_id, kind, customer_id, intended_model, contact_left, create_time, request_hash,
                file_opened, added, not_taken
         FROM customer.receptions WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewReception,
    key: Option<&RequestKey>,
) -> Result<Option<Reception>> {
    for _ in 0..ATTEMPTS {
        match attempt(ctx, caller, new, key).await? {
            Written::Done(reception) => return Ok(Some(*reception)),
            Written::RequestTaken => return Ok(None),
            Written::FileOpened => {}
        }
    }
    Err(Error::aborted("CONFLICT", "somebody changed the same customer's file now; try again"))
}

async fn attempt(
    ctx: &Context,
    caller: &Principal,
    new: &NewReception,
    key: Option<&RequestKey>,
) -> Result<Written> {
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let guest = match &new.who {
        Who::Nobody => Guest::default(),
        Who::Known(customer) => {
            // An id is no key to a file: strangers are found by their phone, as `visitor`.
            stores::require_visible(&mut tx, *customer).await?;
            stores::link(&mut tx, *customer, new.store, now).await?;
            Guest { customer: Some(*customer), ..Guest::default() }
        }
        Who::Visitor(file) => match visitor::find_or_open(&mut tx, ctx, caller, file, now).await {
            Ok(Served { customer, outcome, confirmed_by }) => {
                Guest { customer: Some(customer), outcome: Some(outcome), confirmed_by }
            }
            Err(NoFile::Opened) => return Ok(Written::FileOpened),
            Err(NoFile::NotConfirmed(error)) => {
                tx.commit().await?;
                return Err(error);
            }
            Err(NoFile::Other(error)) => return Err(error),
        },
    };
    if let Some(customer) = guest.customer
        && !guest.outcome.as_ref().is_some_and(|outcome| outcome.file_opened)
    {
        stores::deal(&mut tx, customer, Dealing::Reception, now).await?;
    }
    let written = insert(&mut tx, ctx, new, &guest, caller.staff(), key, now).await;
    let Some(row) = replay::unless_taken(written, "receptions_request")? else {
        return Ok(Written::RequestTaken);
    };
    let reception = row.to_proto();
    tell(&mut tx, ctx, caller, new, &guest, &reception, now).await?;
    tx.commit().await?;
    Ok(Written::Done(Box::new(reception)))
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    new: &NewReception,
    guest: &Guest,
    recorder: Option<StaffId>,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<ReceptionRow, sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let outcome = guest.outcome.as_ref();
    let row = ReceptionRow {
        id: ctx.ids.next::<ReceptionId>().uuid(),
        store_id: new.store.uuid(),
        kind: sql::number(new.kind),
        customer_id: guest.customer.map(CustomerId::uuid),
        intended_model: new.intended_model.clone(),
        contact_left: guest.customer.is_some(),
        create_time: sql::at(now),
        request_hash: request_hash.map(<[u8]>::to_vec),
        file_opened: outcome.map(|outcome| outcome.file_opened),
        added: outcome.map(|outcome| outcome.added.clone()),
        not_taken: outcome.map(|outcome| outcome.not_taken.clone()),
    };
    sqlx::query!(
        "INSERT INTO customer.receptions
             (id, store_id, kind, customer_id, intended_model, contact_left, recorder, create_time, request_id, request_hash,
              file_opened, added, not_taken)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        row.id,
        row.store_id,
        row.kind,
        row.customer_id,
        row.intended_model,
        row.contact_left,
        recorder.map(StaffId::uuid),
        row.create_time as _,
        request_id,
        row.request_hash,
        row.file_opened,
        row.added.as_deref(),
        row.not_taken.as_deref(),
    )
    .execute(tx)
    .await?;
    Ok(row)
}

async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    new: &NewReception,
    guest: &Guest,
    reception: &Reception,
    now: Timestamp,
) -> Result<()> {
    let id = ReceptionId::parse_name(&reception.name).map_err(Error::internal)?;
    let created = ReceptionCreated {
        reception: reception.name.clone(),
        store: reception.store.clone(),
        kind: reception.kind,
        customer: reception.customer.clone(),
    };
    let action = audit::Action {
        method: "CreateReception",
        resource: &reception.name,
        store: Some(new.store),
        detail: serde_json::json!({
            "kind": new.kind.as_str_name(), "customer": reception.customer, "confirmed_by": guest.confirmed_by,
        }),
    };
    record::change(tx, &ctx.ids, caller, now, NewEvent::new(&created, id.uuid(), 1, Some(new.store)), action)
        .await
}
