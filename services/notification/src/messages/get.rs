//! One message, with every decision about it.

use foursight_access::Principal;
use foursight_kernel::{MessageId, Result, Violations};
use foursight_proto::notification::v1::{GetMessageRequest, Message};

use super::{
    MessageError, Messages,
    rows::{MessageRow, decisions},
};

pub(super) async fn get(
    service: &Messages,
    caller: &Principal,
    request: &GetMessageRequest,
) -> Result<Message> {
    let mut violations = Violations::default();
    let id: Option<MessageId> = violations.name("name", &request.name);
    violations.check()?;
    let id = id.ok_or(MessageError::NotFound)?;

    let mut tx = service.db.begin(caller).await?;
    let row = sqlx::query_as!(
        MessageRow,
        "SELECT id, store_id, customer_id, kind, channel, purpose, state, reason, subject_id, plan_time, send_time,
                create_time
         FROM notification.messages WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(MessageError::NotFound)?;
    let decisions = decisions(&mut tx, &[row.id]).await?.remove(&row.id).unwrap_or_default();
    Ok(row.into_proto(decisions))
}
