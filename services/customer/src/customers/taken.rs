//! What tells who somebody is stands on another file: whose it is, as far as the caller may know.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, StoreId};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::customers::{
    CustomerError,
    told_of::{self, Told},
    tries::{self, Try},
};

/// The refusal, which names the file to who sees it. That it is on file elsewhere is told a few times only, and the try is noted in
/// the transaction, which is to be committed.
///
/// # Errors
/// `TOO_MANY_TRIES`.
pub(crate) async fn whose(
    tx: &mut PgConnection,
    caller: &Principal,
    tried: Try,
    store: StoreId,
    told: &Told,
    now: Timestamp,
) -> Result<Error> {
    let existing: Option<Uuid> = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM customer.customers WHERE national_id_hash = $1
           UNION ALL
           SELECT customer_id FROM customer.contact_points
           WHERE hash = ANY ($2) AND exclusive AND end_time IS NULL
           LIMIT 1"#,
        told.card,
        &told.phones,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(customer) = existing {
        return Ok(CustomerError::Exists(customer.into()).into());
    }
    let left = tries::admit(tx, caller, told.hashes(), now).await?;
    let others: Vec<Vec<u8>> =
        told_of::files(tx, told).await?.iter().flat_map(|other| other.hashes(told.card.as_deref())).collect();
    tries::failed(tx, caller, tried, store, &others, now).await?;
    // Noted all the same: else one more phone or one less would tell whether it is on file.
    if let Err(refused) = left.require(others.len()) {
        return Ok(refused.into());
    }
    Ok(CustomerError::ExistsElsewhere { receives: caller.has("reception.write") }.into())
}
