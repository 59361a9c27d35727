//! Plans a message, once for each occurrence, however often its event comes.

use foursight_kernel::{CustomerId, Ids, MessageId, Result, StoreId, sql, time::to_proto};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::{
    customer::v1::Purpose,
    notification::{
        events::v1::MessagePlanned,
        v1::{MessageChannel, MessageKind, MessageState},
    },
};
use foursight_runtime::erasure;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::subject_name;

/// A message that is to be sent.
pub(super) struct Planned {
    pub(super) kind: MessageKind,
    pub(super) customer: CustomerId,
    pub(super) store: StoreId,
    pub(super) subject: Uuid,
    /// Tells apart what may rightly happen again for one subject.
    pub(super) occurrence: String,
    /// What the words need, besides names: never personal data.
    pub(super) variables: Value,
    /// When what it is about happened.
    pub(super) event_time: Timestamp,
    /// When it is to go out.
    pub(super) send_at: Timestamp,
    /// From when on it helps nobody any more.
    pub(super) expire_time: Timestamp,
}

/// Writes a plan down, and tells the others. All our messages are of the purpose SERVICE and go by e-mail, so far.
/// Nobody is written to who was erased meanwhile.
pub(super) async fn plan(tx: &mut PgConnection, ids: &Ids, now: Timestamp, plan: Planned) -> Result<()> {
    if !erasure::lives(&mut *tx, plan.customer).await? {
        return Ok(());
    }
    let id: MessageId = ids.next();
    let planned = sqlx::query!(
        "INSERT INTO notification.messages
           (id, store_id, customer_id, kind, channel, purpose, state, reason, subject_id, occurrence, variables,
            event_time, plan_time, expire_time, next_time, create_time, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'PLANNED', $8, $9, $10, $11, $12, $13, $12, $14, 1)
         ON CONFLICT ON CONSTRAINT messages_once DO NOTHING",
        id.uuid(),
        plan.store.uuid(),
        plan.customer.uuid(),
        plan.kind as i16,
        MessageChannel::Email as i16,
        Purpose::Service as i16,
        MessageState::Planned as i16,
        plan.subject,
        plan.occurrence,
        plan.variables,
        sql::at(plan.event_time) as _,
        sql::at(plan.send_at) as _,
        sql::at(plan.expire_time) as _,
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if planned == 0 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO notification.message_decisions (message_id, version, store_id, state, reason, decide_time)
         VALUES ($1, 1, $2, $3, 'PLANNED', $4)",
        id.uuid(),
        plan.store.uuid(),
        MessageState::Planned as i16,
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    let event = MessagePlanned {
        message: id.name(),
        customer: plan.customer.name(),
        store: plan.store.name(),
        kind: plan.kind.into(),
        plan_time: Some(to_proto(plan.send_at)),
        subject: subject_name(plan.kind.into(), plan.subject),
    };
    outbox::append(tx, ids, now, NewEvent::new(&event, id.uuid(), 1, Some(plan.store))).await?;
    Ok(())
}
