//! The one way in which a message changes: lock it, let the state decide, write state and decision, tell the others.

use foursight_kernel::{CustomerId, Error, Ids, MessageId, Result, StoreId, sql};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::notification::{events::v1::MessageDecided, v1::MessageState};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::state::{self, Happening, Patience, Standing, Step};

/// Whom a change is made for.
pub(super) enum By {
    /// The dispatcher with its claim: a message that was taken from it meanwhile is left alone.
    Claim(Uuid),
    /// Somebody who holds the lock already.
    Anybody,
}

/// What a change says besides its step.
#[derive(Default)]
pub(super) struct Sent {
    /// The template that the words were made with.
    pub(super) template: Option<&'static str>,
}

/// A message under lock.
struct Locked {
    id: Uuid,
    store: StoreId,
    customer: CustomerId,
    kind: i16,
    standing: Standing,
    version: i64,
}

/// Lets something happen to a message. Returns where it stands now; `None` when nothing could happen to it.
pub(super) async fn happen(
    tx: &mut PgConnection,
    (ids, now, patience): (&Ids, Timestamp, Patience),
    message: MessageId,
    by: By,
    happening: Happening,
    sent: Sent,
) -> Result<Option<MessageState>> {
    let attempt = match by {
        By::Claim(attempt) => Some(attempt),
        By::Anybody => None,
    };
    let Some(locked) = lock(tx, message, attempt).await? else { return Ok(None) };
    let Some(step) = state::apply(&locked.standing, happening, now, patience) else { return Ok(None) };
    write(tx, &locked, &step, sent, now).await?;
    if state::is_over(step.state) {
        let event = MessageDecided {
            message: message.name(),
            customer: locked.customer.name(),
            store: locked.store.name(),
            kind: i32::from(locked.kind),
            state: step.state.into(),
            reason: step.reason,
        };
        let event = NewEvent::new(&event, locked.id, locked.version + 1, Some(locked.store));
        outbox::append(tx, ids, now, event).await?;
    }
    Ok(Some(step.state))
}

async fn lock(tx: &mut PgConnection, message: MessageId, attempt: Option<Uuid>) -> Result<Option<Locked>> {
    let row = sqlx::query!(
        "SELECT id, store_id, customer_id, kind, state, reason, tries, version FROM notification.messages
         WHERE id = $1 AND ($2::uuid IS NULL OR attempt_id = $2) FOR UPDATE",
        message.uuid(),
        attempt,
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = MessageState::try_from(i32::from(row.state)).map_err(Error::internal)?;
    Ok(Some(Locked {
        id: row.id,
        store: row.store_id.into(),
        customer: row.customer_id.into(),
        kind: row.kind,
        standing: Standing { state, reason: row.reason, tries: row.tries },
        version: row.version,
    }))
}

async fn write(
    tx: &mut PgConnection,
    locked: &Locked,
    step: &Step,
    sent: Sent,
    now: Timestamp,
) -> Result<()> {
    // Only who is sending keeps the claim: whatever else happened, the dispatcher that still holds it has lost it.
    sqlx::query!(
        "UPDATE notification.messages
         SET state = $2, reason = $3, tries = $4, next_time = $5, version = $6, send_time = $7,
             attempt_id = CASE WHEN $8 THEN attempt_id END, template = coalesce($9, template)
         WHERE id = $1",
        locked.id,
        step.state as i16,
        step.reason,
        step.tries,
        sql::maybe_at(step.next_time) as _,
        locked.version + i64::from(step.is_decision),
        sql::maybe_at((step.state == MessageState::Sent).then_some(now)) as _,
        step.state == MessageState::Sending,
        sent.template,
    )
    .execute(&mut *tx)
    .await?;
    if step.is_decision {
        sqlx::query!(
            "INSERT INTO notification.message_decisions (message_id, version, store_id, state, reason, decide_time)
             VALUES ($1, $2, $3, $4, $5, $6)",
            locked.id,
            locked.version + 1,
            locked.store.uuid(),
            step.state as i16,
            step.reason,
            sql::at(now) as _,
        )
        .execute(tx)
        .await?;
    }
    Ok(())
}
