//! A delivery or a finished visit plans a follow-up call: within 7 days (7DC) or 3 days (3DC), once for each.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{
    CallTaskId, CustomerId, DeliveryId, Error, Ids, SharedClock, StaffId, StoreId, VisitId, sql,
    time::{from_proto, to_proto},
};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, NewEvent, Received, Source, outbox};
use foursight_proto::{
    customer::events::v1::{VehicleDelivered, VisitCompleted},
    notification::{
        events::v1::CallTaskPlanned,
        v1::{CallTaskKind, CallTaskState},
    },
};
use foursight_runtime::erasure;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{rows::subject_name, staffing};
use crate::{settings::NotificationSettings, stores::id_in};

/// Plans calls.
pub(crate) struct CallPlanner {
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) settings: Arc<NotificationSettings>,
}

/// What a call is to be about.
struct Occasion {
    kind: CallTaskKind,
    subject: Uuid,
    customer: CustomerId,
    store: StoreId,
    advisor: Option<StaffId>,
    due: Timestamp,
}

impl CallPlanner {
    /// The consumer that plans calls.
    pub(crate) fn consumer(self) -> ConsumerSpec {
        let sources = [Source::event::<VehicleDelivered>(), Source::event::<VisitCompleted>()];
        ConsumerSpec::new("call-plan", &sources, Arc::new(self))
    }

    async fn plan(&self, tx: &mut PgConnection, occasion: Occasion) -> Result<(), HandleError> {
        let now = self.clock.now();
        // History that comes late, for example by an import: nobody can call in time any more.
        if occasion.due <= now {
            return Ok(());
        }
        // Who was erased meanwhile is not called.
        if !erasure::lives(&mut *tx, occasion.customer).await? {
            return Ok(());
        }
        let id: CallTaskId = self.ids.next();
        let assignee = staffing::pick(tx, occasion.store).await?;
        let planned = sqlx::query!(
            "INSERT INTO notification.call_tasks
               (id, store_id, customer_id, kind, state, subject_id, assignee_id, advisor_id, due_time, create_time, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
             ON CONFLICT ON CONSTRAINT call_tasks_once DO NOTHING",
            id.uuid(),
            occasion.store.uuid(),
            occasion.customer.uuid(),
            occasion.kind as i16,
            CallTaskState::Open as i16,
            occasion.subject,
            assignee.map(StaffId::uuid),
            occasion.advisor.map(StaffId::uuid),
            sql::at(occasion.due) as _,
            sql::at(now) as _,
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if planned == 0 {
            return Ok(());
        }
        let event = CallTaskPlanned {
            call_task: id.name(),
            customer: occasion.customer.name(),
            store: occasion.store.name(),
            kind: occasion.kind.into(),
            subject: subject_name(occasion.kind.into(), occasion.subject),
            assignee: assignee.map(StaffId::name).unwrap_or_default(),
            due_time: Some(to_proto(occasion.due)),
        };
        let event = NewEvent::new(&event, id.uuid(), 1, Some(occasion.store));
        outbox::append(tx, &self.ids, now, event).await?;
        Ok(())
    }
}

#[async_trait]
impl Handler for CallPlanner {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let occasion = if let Some(delivered) = event.decode::<VehicleDelivered>()? {
            // What an import tells was somebody else's to follow up.
            if delivered.imported {
                return Ok(());
            }
            Occasion {
                kind: CallTaskKind::AfterDelivery,
                subject: id_in::<DeliveryId>(&delivered.delivery)?.uuid(),
                customer: id_in(&delivered.customer)?,
                store: id_in(&delivered.store)?,
                advisor: advisor(&delivered.advisor)?,
                due: due(delivered.deliver_time.as_ref(), self.settings.call_after_delivery_days)?,
            }
        } else if let Some(completed) = event.decode::<VisitCompleted>()? {
            if completed.imported {
                return Ok(());
            }
            Occasion {
                kind: CallTaskKind::AfterService,
                subject: id_in::<VisitId>(&completed.visit)?.uuid(),
                customer: id_in(&completed.customer)?,
                store: id_in(&completed.store)?,
                advisor: advisor(&completed.advisor)?,
                due: due(completed.hand_over_time.as_ref(), self.settings.call_after_service_days)?,
            }
        } else {
            return Ok(());
        };
        self.plan(tx, occasion).await
    }
}

fn advisor(name: &str) -> Result<Option<StaffId>, HandleError> {
    if name.is_empty() { Ok(None) } else { id_in(name).map(Some) }
}

fn due(from: Option<&prost_types::Timestamp>, days: u16) -> Result<Timestamp, HandleError> {
    from.and_then(from_proto)
        .and_then(|from| from.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok())
        .ok_or_else(|| {
            HandleError::Permanent(Error::internal("an event without the time at which it happened"))
        })
}
