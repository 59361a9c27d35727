//! A lead is won by the delivery of a car.

use foursight_kernel::{CustomerId, LeadId, Result, StaffId, StoreId, sql};
use foursight_proto::customer::v1::LeadState;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::leads::state::{self, LeadError};

/// The one open lead of this customer at this store; `None` when there are several. With `before`, only leads that were there then.
/// Nobody else changes it until the transaction ends.
pub(crate) async fn only_open(
    tx: &mut PgConnection,
    customer: CustomerId,
    store: StoreId,
    before: Option<Timestamp>,
) -> Result<Option<LeadId>> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM customer.leads
         WHERE customer_id = $1 AND store_id = $2 AND state = $3
           AND ($4::timestamptz IS NULL OR create_time <= $4)
         ORDER BY id LIMIT 2 FOR NO KEY UPDATE",
        customer.uuid(),
        store.uuid(),
        sql::number(LeadState::Open),
        sql::maybe_at(before) as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(match *open.as_slice() {
        [only] => Some(only.into()),
        _ => None,
    })
}

/// Closes the lead of this customer at this store as won; one that nobody has is who sold the car's from now on. Its event is the delivery's.
///
/// # Errors
/// `LEAD_NOT_FOUND`, `LEAD_NOT_OPEN`, `LEAD_OF_OTHER_DEAL`.
pub(crate) async fn win(
    tx: &mut PgConnection,
    lead: LeadId,
    customer: CustomerId,
    store: StoreId,
    advisor: StaffId,
    now: Timestamp,
) -> Result<()> {
    let row = sqlx::query!(
        "SELECT customer_id, store_id, state FROM customer.leads WHERE id = $1 FOR NO KEY UPDATE",
        lead.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(LeadError::NotFound)?;
    if row.customer_id != customer.uuid() || row.store_id != store.uuid() {
        return Err(LeadError::OtherDeal.into());
    }
    state::require_open(row.state)?;
    sqlx::query!(
        "UPDATE customer.leads
         SET state = $2, next_follow_up_time = NULL, version = version + 1, update_time = $3,
             owner_id = CASE WHEN release_time IS NULL THEN owner_id ELSE $4 END, release_time = NULL
         WHERE id = $1",
        lead.uuid(),
        sql::number(LeadState::Won),
        sql::at(now) as _,
        advisor.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
