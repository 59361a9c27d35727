//! Messages between their rows and the API's form.

use std::collections::HashMap;

use foursight_kernel::{
    CaseId, CustomerId, MessageId, Result, StoreId, VehicleId, sql,
    time::{maybe_to_proto, to_proto},
};
use foursight_proto::notification::v1::{Message, MessageDecision, MessageKind};
use sqlx::PgConnection;
use uuid::Uuid;

/// A message as it is stored.
pub(super) struct MessageRow {
    pub(super) id: Uuid,
    pub(super) store_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) kind: i16,
    pub(super) channel: i16,
    pub(super) purpose: i16,
    pub(super) state: i16,
    pub(super) reason: String,
    pub(super) subject_id: Uuid,
    pub(super) plan_time: sql::Timestamp,
    pub(super) send_time: Option<sql::Timestamp>,
    pub(super) create_time: sql::Timestamp,
}

impl MessageRow {
    /// In the API's form.
    pub(super) fn into_proto(self, decisions: Vec<MessageDecision>) -> Message {
        Message {
            name: MessageId::from(self.id).name(),
            store: StoreId::from(self.store_id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            kind: i32::from(self.kind),
            channel: i32::from(self.channel),
            purpose: i32::from(self.purpose),
            state: i32::from(self.state),
            reason: self.reason,
            subject: subject_name(i32::from(self.kind), self.subject_id),
            plan_time: Some(to_proto(self.plan_time.to_jiff())),
            send_time: maybe_to_proto(self.send_time.map(sql::Timestamp::to_jiff)),
            create_time: Some(to_proto(self.create_time.to_jiff())),
            decisions,
        }
    }
}

/// The name of what a message is about, by its kind.
pub(super) fn subject_name(kind: i32, subject: Uuid) -> String {
    match MessageKind::try_from(kind) {
        Ok(MessageKind::FirstService) => VehicleId::from(subject).name(),
        Ok(MessageKind::CaseOpened | MessageKind::CaseClosed) => CaseId::from(subject).name(),
        Ok(MessageKind::Unspecified) | Err(_) => String::new(),
    }
}

/// The decisions about several messages, each message's in their order.
pub(super) async fn decisions(
    tx: &mut PgConnection,
    messages: &[Uuid],
) -> Result<HashMap<Uuid, Vec<MessageDecision>>> {
    let rows = sqlx::query!(
        "SELECT message_id, state, reason, decide_time FROM notification.message_decisions
         WHERE message_id = ANY ($1) ORDER BY message_id, version",
        messages,
    )
    .fetch_all(tx)
    .await?;
    let mut by_message: HashMap<Uuid, Vec<MessageDecision>> = HashMap::new();
    for row in rows {
        by_message.entry(row.message_id).or_default().push(MessageDecision {
            state: i32::from(row.state),
            reason: row.reason,
            decide_time: Some(to_proto(row.decide_time.to_jiff())),
        });
    }
    Ok(by_message)
}
