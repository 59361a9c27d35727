//! `RecordConsent`.

use foursight_access::{Principal, audit};
use foursight_kernel::{ConsentId, CustomerId, Error, RequestKey, Result, StaffId, Violations, replay, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::ConsentRecorded,
    v1::{Consent, ConsentState, ContactKind, Purpose, RecordConsentRequest},
};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{consents::ConsentRow, context::Context, customers::CustomerError};

struct NewConsent {
    customer: CustomerId,
    purpose: Purpose,
    contact_kind: ContactKind,
    state: ConsentState,
    method: String,
    wording_version: String,
}

/// Adds a record. It holds from the moment of its commit.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(crate) async fn record(
    ctx: &Context,
    caller: &Principal,
    request: RecordConsentRequest,
) -> Result<Consent> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let new = parse(&mut v, &request);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("consent", "is required")) };
    let content = RecordConsentRequest { request_id: String::new(), ..request };
    let key = ctx.keys.request_key(request_id, &content);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, request: &RecordConsentRequest) -> Option<NewConsent> {
    let customer = v.name("parent", &request.parent);
    let consent = request.consent.clone().unwrap_or_default();
    let purpose = v.required_enum("consent.purpose", consent.purpose);
    let contact_kind = v.required_enum("consent.contact_kind", consent.contact_kind);
    let state = v.required_enum("consent.state", consent.state);
    let method = v.line("consent.method", &consent.method, 1..=100);
    let wording_version = v.line("consent.wording_version", &consent.wording_version, 1..=50);
    Some(NewConsent {
        customer: customer?,
        purpose: purpose?,
        contact_kind: contact_kind?,
        state: state?,
        method,
        wording_version,
    })
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Consent>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(ConsentRow,
        "SELECT id, customer_id, purpose, contact_kind, state, method, wording_version, recorder, version, create_time,
                request_hash
         FROM customer.consents WHERE request_id = $1", key.id)
        .fetch_optional(&mut *tx)
        .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewConsent,
    key: Option<&RequestKey>,
) -> Result<Option<Consent>> {
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // The file's version orders the records: this update waits for whoever records for the same customer.
    let version = sqlx::query_scalar!(
        "UPDATE customer.customers SET version = version + 1, update_time = $2 WHERE id = $1 AND merged_into IS NULL
         RETURNING version",
        new.customer.uuid(),
        sql::at(now) as _,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(CustomerError::NotFound)?;
    let written = insert(&mut tx, ctx, new, caller.staff(), version, key, now).await;
    let Some(consent) = replay::unless_taken(written, "consents_request")? else { return Ok(None) };
    let recorded = ConsentRecorded {
        customer: new.customer.name(),
        purpose: new.purpose.into(),
        contact_kind: new.contact_kind.into(),
        state: new.state.into(),
    };
    let event = NewEvent::new(&recorded, new.customer.uuid(), version, None);
    let action = audit::Action {
        method: "RecordConsent",
        resource: &consent.name,
        store: None,
        detail: serde_json::json!({
            "purpose": new.purpose.as_str_name(),
            "contact_kind": new.contact_kind.as_str_name(),
            "state": new.state.as_str_name(),
        }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(Some(consent))
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    new: &NewConsent,
    recorder: Option<StaffId>,
    version: i64,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<Consent, sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let row = ConsentRow {
        id: ctx.ids.next::<ConsentId>().uuid(),
        customer_id: new.customer.uuid(),
        purpose: sql::number(new.purpose),
        contact_kind: sql::number(new.contact_kind),
        state: sql::number(new.state),
        method: new.method.clone(),
        wording_version: new.wording_version.clone(),
        recorder: recorder.map(StaffId::uuid),
        version,
        create_time: sql::at(now),
        request_hash: request_hash.map(<[u8]>::to_vec),
    };
    sqlx::query!(
        "INSERT INTO customer.consents (id, customer_id, purpose, contact_kind, state, method, wording_version, recorder,
             version, create_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.id,
        row.customer_id,
        row.purpose,
        row.contact_kind,
        row.state,
        row.method,
        row.wording_version,
        row.recorder,
        row.version,
        row.create_time as _,
        request_id,
        row.request_hash,
    )
    .execute(tx)
    .await?;
    Ok(row.to_proto())
}
