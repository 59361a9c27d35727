//! `GetVisit`.

use foursight_access::Principal;
use foursight_kernel::{Result, Violations, VisitId};
use foursight_proto::customer::v1::{GetVisitRequest, Visit};

use crate::{
    context::Context,
    visits::{row::VisitRow, state::VisitError},
};

/// One visit.
///
/// # Errors
/// `VISIT_NOT_FOUND` when there is none in the caller's stores.
pub(crate) async fn get(ctx: &Context, caller: &Principal, request: &GetVisitRequest) -> Result<Visit> {
    let mut v = Violations::default();
    let id: Option<VisitId> = v.name("name", &request.name);
    v.check()?;
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        VisitRow,
        "SELECT id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id, promise_time, check_in_time,
                hand_over_time, amount_fen, version, request_hash
         FROM customer.visits WHERE id = $1",
        id.map(VisitId::uuid),
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.ok_or(VisitError::NotFound)?.to_proto())
}
