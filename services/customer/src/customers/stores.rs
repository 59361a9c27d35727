//! Which stores serve a customer, and what a dealing changes in the file.

use foursight_kernel::{CustomerId, Error, Result, StoreId, sql};
use foursight_proto::customer::v1::LifeCycleStage;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::customers::{
    CustomerError,
    stage::{self, Dealing},
};

/// The customer is served by the store from now on, if not already; so the store sees the file.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when there is no such customer in the whole group.
pub(crate) async fn link(
    tx: &mut PgConnection,
    customer: CustomerId,
    store: StoreId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO customer.customer_stores (customer_id, store_id, start_time)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM customer.erased_customers e WHERE e.customer_id = $1)
         ON CONFLICT DO NOTHING",
        customer.uuid(),
        store.uuid(),
        sql::at(now) as _,
    )
    .execute(tx)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(refused) if refused.is_foreign_key_violation() => Error::from(CustomerError::NotFound),
        _ => error.into(),
    })?;
    Ok(())
}

/// Moves the customer's stage by a dealing.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file.
pub(crate) async fn deal(
    tx: &mut PgConnection,
    customer: CustomerId,
    dealing: Dealing,
    now: Timestamp,
) -> Result<()> {
    let before = sqlx::query_scalar!(
        "SELECT stage FROM customer.customers WHERE id = $1 AND merged_into IS NULL FOR NO KEY UPDATE",
        customer.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(CustomerError::NotFound)?;
    let before = LifeCycleStage::try_from(i32::from(before)).map_err(Error::internal)?;
    let was = if stage::is_away(before) { stage_before(&mut *tx, customer).await? } else { None };
    let after = stage::after(before, was, dealing);
    if after != before {
        sqlx::query!(
            "UPDATE customer.customers SET stage = $2, version = version + 1, update_time = $3 WHERE id = $1",
            customer.uuid(),
            sql::number(after),
            sql::at(now) as _,
        )
        .execute(tx)
        .await?;
    }
    Ok(())
}

/// The stage of a customer before the customer was dormant or lost.
async fn stage_before(tx: &mut PgConnection, customer: CustomerId) -> Result<Option<LifeCycleStage>> {
    let stage = sqlx::query_scalar!(
        "SELECT previous_stage FROM customer.stage_corrections
         WHERE customer_id = $1 AND previous_stage NOT IN ($2, $3) ORDER BY id DESC LIMIT 1",
        customer.uuid(),
        sql::number(LifeCycleStage::Dormant),
        sql::number(LifeCycleStage::Lost),
    )
    .fetch_optional(tx)
    .await?;
    Ok(stage.and_then(|stage| LifeCycleStage::try_from(i32::from(stage)).ok()))
}

/// Refuses what is about a file that the transaction's caller does not see.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when so.
pub(crate) async fn require_visible(tx: &mut PgConnection, customer: CustomerId) -> Result<()> {
    if is_visible(tx, customer).await? { Ok(()) } else { Err(CustomerError::NotFound.into()) }
}

/// Whether the transaction's caller sees the file.
pub(crate) async fn is_visible(tx: &mut PgConnection, customer: CustomerId) -> Result<bool> {
    let visible = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer.customers WHERE id = $1 AND merged_into IS NULL) AS "visible!""#,
        customer.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(visible)
}
