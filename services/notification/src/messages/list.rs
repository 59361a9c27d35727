//! Messages by plan time, the next first.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, StoreId, Violations, sql};
use foursight_proto::notification::v1::{
    ListMessagesRequest, ListMessagesResponse, MessageKind, MessageState,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Messages,
    rows::{MessageRow, decisions},
};

pub(super) async fn list(
    service: &Messages,
    caller: &Principal,
    request: &ListMessagesRequest,
) -> Result<ListMessagesResponse> {
    let mut violations = Violations::default();
    let store: Option<StoreId> = violations.optional_name("store", &request.store);
    let customer: Option<CustomerId> = violations.optional_name("customer", &request.customer);
    let state: Option<MessageState> = violations.optional_enum("state", request.state);
    let kind: Option<MessageKind> = violations.optional_enum("kind", request.kind);
    violations.check()?;
    let page = Page::<(Timestamp, Uuid)>::parse(request)?;
    let (after_time, after_id) = page.after.unzip();
    if let Some(store) = store {
        caller.require_store(store)?;
    }

    let mut tx = service.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        MessageRow,
        "SELECT id, store_id, customer_id, kind, channel, purpose, state, reason, subject_id, plan_time, send_time,
                create_time
         FROM notification.messages
         WHERE ($1::uuid IS NULL OR store_id = $1)
           AND ($2::uuid IS NULL OR customer_id = $2)
           AND ($3::smallint IS NULL OR state = $3)
           AND ($4::smallint IS NULL OR kind = $4)
           AND ($5::timestamptz IS NULL OR (plan_time, id) > ($5, $6))
         ORDER BY plan_time, id LIMIT $7",
        store.map(StoreId::uuid),
        customer.map(CustomerId::uuid),
        state.map(|state| state as i16),
        kind.map(|kind| kind as i16),
        sql::maybe_at(after_time) as _,
        after_id,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| (row.plan_time.to_jiff(), row.id))?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut decisions = decisions(&mut tx, &ids).await?;
    let messages = rows
        .into_iter()
        .map(|row| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            row.into_proto(decisions)
        })
        .collect();
    Ok(ListMessagesResponse { messages, next_page_token })
}
