//! `CompleteVisit`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, RequestKey, Result, StoreId, Violations, VisitId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::VisitCompleted,
    v1::{CompleteVisitRequest, Visit, VisitState},
};
use foursight_runtime::{record, step};

use crate::{
    context::Context,
    visits::{
        row::VisitRow,
        state::{self, VisitError},
    },
};

const METHOD: &str = "CompleteVisit";

/// Hands the car back.
///
/// # Errors
/// `VISIT_NOT_FOUND`, `VISIT_ALREADY_HANDED_OVER`, `VISIT_CHANGED`, and an amount that cannot be paid.
pub(crate) async fn complete(
    ctx: &Context,
    caller: &Principal,
    mut request: CompleteVisitRequest,
) -> Result<Visit> {
    let mut v = Violations::default();
    let id: Option<VisitId> = v.name("name", &request.name);
    let amount_fen = state::amount_fen(&mut v, "amount", request.amount.as_ref());
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let Some(id) = id else { return Err(Error::invalid_field("name", "is required")) };

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let before = sqlx::query_as!(
        VisitRow,
        "SELECT id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id, promise_time, check_in_time,
                hand_over_time, amount_fen, version, request_hash
         FROM customer.visits WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(VisitError::NotFound)?;
    if !step::is_new(&mut tx, key.as_ref(), before.store_id.into(), now).await? {
        return Ok(before.to_proto());
    }
    let handed_over = before.hand_over_time.map(sql::Timestamp::to_jiff);
    if !request.etag.is_empty() && request.etag != before.etag() {
        return Err(VisitError::Changed(handed_over).into());
    }
    state::require_in_workshop(handed_over)?;
    let row = sqlx::query_as!(
        VisitRow,
        "UPDATE customer.visits SET state = $2, hand_over_time = $3, amount_fen = $4, version = version + 1
         WHERE id = $1
         RETURNING id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id, promise_time,
                   check_in_time, hand_over_time, amount_fen, version, request_hash",
        id.uuid(),
        sql::number(VisitState::HandedOver),
        sql::at(now) as _,
        amount_fen,
    )
    .fetch_one(&mut *tx)
    .await?;
    let visit = row.to_proto();
    let completed = VisitCompleted {
        visit: visit.name.clone(),
        customer: visit.customer.clone(),
        store: visit.store.clone(),
        vehicle: visit.vehicle.clone(),
        kind: visit.kind,
        advisor: visit.advisor.clone(),
        hand_over_time: visit.hand_over_time,
        imported: false,
    };
    let store = StoreId::from(row.store_id);
    let event = NewEvent::new(&completed, row.id, row.version, Some(store));
    let action = audit::Action {
        method: METHOD,
        resource: &visit.name,
        store: Some(store),
        detail: serde_json::json!({ "vehicle": visit.vehicle }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(visit)
}
