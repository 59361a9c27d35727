//! What tells who somebody is stands on another file: whose it is, as far as the caller may know.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, StoreId};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::customers::{
    CustomerError,
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
    phones: &[Vec<u8>],
    national_id: Option<&[u8]>,
    now: Timestamp,
) -> Result<Error> {
    let existing: Option<Uuid> = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM customer.customers WHERE national_id_hash = $1
           UNION ALL
           SELECT customer_id FROM customer.contact_points
           WHERE hash = ANY ($2) AND exclusive AND end_time IS NULL
           LIMIT 1"#,
        national_id,
        phones,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(customer) = existing {
        return Ok(CustomerError::Exists(customer.into()).into());
    }
    tries::admit(tx, caller, phones, now).await?;
    tries::failed(tx, caller, tried, store, phones, now).await?;
    Ok(CustomerError::ExistsElsewhere { receives: caller.has("reception.write") }.into())
}
