//! What is due, claimed for a short time: a dispatcher that dies loses its claims, not the messages.

use foursight_kernel::MessageId;
use foursight_kernel::{CustomerId, Error, Result, sql};
use foursight_proto::{
    customer::v1::Purpose,
    notification::v1::{MessageChannel, MessageKind},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{settings::NotificationSettings, stores::zone_named};

/// A message that is due and ours for the time of the lease.
pub(super) struct Due {
    pub(super) message: MessageId,
    pub(super) customer: CustomerId,
    pub(super) kind: MessageKind,
    pub(super) channel: MessageChannel,
    pub(super) purpose: Purpose,
    pub(super) expires: Timestamp,
    pub(super) zone: TimeZone,
    /// Who signs: the store's name.
    pub(super) signature: String,
    variables: Value,
}

impl Due {
    /// The number of the case that it is about.
    pub(super) fn case_number(&self) -> Option<&str> {
        self.variables.get("case_number").and_then(Value::as_str)
    }
}

/// Claims up to `most` messages whose time has come, those first whose time came first. What others claim meanwhile is
/// passed over.
pub(super) async fn claim(
    tx: &mut PgConnection,
    now: Timestamp,
    attempt: Uuid,
    most: i64,
    settings: &NotificationSettings,
) -> Result<Vec<Due>> {
    let lease = now.saturating_add(settings.patience().lease).unwrap_or(Timestamp::MAX);
    let rows = sqlx::query!(
        r#"UPDATE notification.messages m SET attempt_id = $2, next_time = $3
           FROM (
             SELECT d.id, s.display_name, s.time_zone
             FROM notification.messages d LEFT JOIN notification.stores s ON s.store_id = d.store_id
             WHERE d.next_time <= $1 ORDER BY d.next_time LIMIT $4
             FOR UPDATE OF d SKIP LOCKED
           ) due
           WHERE m.id = due.id
           RETURNING m.id, m.customer_id, m.kind, m.channel, m.purpose, m.expire_time, m.variables,
                     due.display_name AS "display_name?", due.time_zone AS "time_zone?""#,
        sql::at(now) as _,
        attempt,
        sql::at(lease) as _,
        most,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                message: row.id.into(),
                customer: row.customer_id.into(),
                kind: MessageKind::try_from(i32::from(row.kind)).map_err(Error::internal)?,
                channel: MessageChannel::try_from(i32::from(row.channel)).map_err(Error::internal)?,
                purpose: Purpose::try_from(i32::from(row.purpose)).map_err(Error::internal)?,
                expires: row.expire_time.to_jiff(),
                zone: zone_named(row.time_zone.as_deref(), settings),
                signature: row.display_name.unwrap_or_else(|| settings.signature.clone()),
                variables: row.variables,
            })
        })
        .collect()
}
