//! Cases by the next deadline, the most urgent first; those with nothing to wait for come last, the newest first.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, StoreId, Violations, sql};
use foursight_proto::complaint::v1::{CaseState, ListCasesRequest, ListCasesResponse};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Desk, row};

pub(crate) async fn list(
    desk: &Desk,
    caller: &Principal,
    request: ListCasesRequest,
) -> Result<ListCasesResponse> {
    let mut v = Violations::default();
    let store = v.optional_name::<StoreId>("store", &request.store);
    let customer = v.optional_name::<CustomerId>("customer", &request.customer);
    let state = v.optional_enum::<CaseState>("state", request.state);
    v.check()?;
    if let Some(store) = store {
        caller.require_store(store)?;
    }
    let page = Page::<(Timestamp, Uuid)>::parse(&request)?;
    // Before every case: deadlines are later than the epoch.
    let (after_due, after_id) = page.after.unwrap_or((Timestamp::UNIX_EPOCH, Uuid::max()));

    let mut tx = desk.db.begin_list(caller).await?;
    let rows = sqlx::query!(
        "SELECT id, next_due FROM complaint.cases
         WHERE ($1::uuid IS NULL OR store_id = $1)
           AND ($2::uuid IS NULL OR customer_id = $2)
           AND ($3::smallint IS NULL OR state = $3)
           AND (NOT $4 OR state <> 5)
           AND (NOT $5 OR owner_id IS NULL)
           AND next_due >= $6 AND (next_due > $6 OR id < $7)
         ORDER BY next_due, id DESC
         LIMIT $8",
        store.map(StoreId::uuid),
        customer.map(CustomerId::uuid),
        state.map(sql::number),
        request.open,
        request.unassigned,
        sql::at(after_due) as _,
        after_id,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| (row.next_due.to_jiff(), row.id))?;
    let ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
    let cases = row::load(&mut tx, &ids).await?;
    Ok(ListCasesResponse { cases: cases.iter().map(row::Case::to_proto).collect(), next_page_token })
}
