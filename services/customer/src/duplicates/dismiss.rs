//! `DismissDuplicate`.

use foursight_access::{Principal, audit};
use foursight_kernel::{DuplicateId, Error, Result, StoreId, Violations, sql};
use foursight_proto::customer::v1::{DismissDuplicateRequest, Duplicate, DuplicateState};
use serde_json::json;

use crate::{context::Context, customers::file, duplicates::row::PairRow};

/// Why a pair is not decided so.
#[derive(Debug, thiserror::Error)]
enum DismissError {
    #[error("there is no such pair of files, or not both of them are in the caller's stores")]
    NotFound,
    #[error("the pair was decided already")]
    Decided,
}

impl From<DismissError> for Error {
    fn from(error: DismissError) -> Self {
        let message = error.to_string();
        match error {
            DismissError::NotFound => Self::not_found("DUPLICATE_NOT_FOUND", message),
            DismissError::Decided => Self::failed_precondition("DUPLICATE_DECIDED", message),
        }
    }
}

/// Says that two files are two customers. Who did and why stays with the pair.
///
/// # Errors
/// `DUPLICATE_NOT_FOUND`, `DUPLICATE_DECIDED`, `STORE_OUT_OF_REACH`, `STAFF_ONLY`, and every wrong field at once.
pub(super) async fn dismiss(
    ctx: &Context,
    caller: &Principal,
    request: &DismissDuplicateRequest,
) -> Result<Duplicate> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let id: Option<DuplicateId> = v.name("name", &request.name);
    let store: Option<StoreId> = v.name("store", &request.store);
    let reason = v.text("reason", &request.reason, 1..=500);
    v.check()?;
    let (Some(id), Some(store)) = (id, store) else { return Err(DismissError::NotFound.into()) };
    ctx.staff.require_store(caller, "store", store).await?;

    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let state =
        sqlx::query_scalar!("SELECT state FROM customer.duplicates WHERE id = $1 FOR UPDATE", id.uuid())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(DismissError::NotFound)?;
    if state != sql::number(DuplicateState::Open) {
        return Err(DismissError::Decided.into());
    }
    let row = sqlx::query_as!(
        PairRow,
        "UPDATE customer.duplicates SET state = $2, store_id = $3, staff_id = $4, decide_time = $5, reason = $6 WHERE id = $1
         RETURNING id, low_id, high_id, probability, signs, state, find_time, store_id, staff_id, decide_time, reason",
        id.uuid(),
        sql::number(DuplicateState::Dismissed),
        store.uuid(),
        by.uuid(),
        sql::at(now) as _,
        reason,
    )
    .fetch_one(&mut *tx)
    .await?;
    let action = audit::Action {
        method: "DismissDuplicate",
        resource: &id.name(),
        store: Some(store),
        detail: json!({ "customers": [row.low_id, row.high_id] }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    let files = file::read_by_id(&mut tx, &ctx.keys, &[row.low_id, row.high_id]).await?;
    tx.commit().await?;
    Ok(row.into_proto(caller, &files))
}
