//! What happened, as rows, kept by one consumer from the events of four services.
//!
//! Each event is one upsert that writes the columns it tells about when it is newer than what told them before. So events
//! may come twice, late and in any order, and the rows end the same: deleting the rows, and the consumer's place in the
//! streams with its inbox, rebuilds them.

mod call_tasks;
mod cases;
mod deliveries;
mod stores;
mod visits;

use async_trait::async_trait;
use foursight_kernel::Violations;
use foursight_messaging::{HandleError, Handler, Received, Source};
use foursight_proto::{
    complaint::events::v1::CaseOpened,
    customer::events::v1::{VehicleDelivered, VisitCompleted, VisitStarted},
    identity::events::v1::StoreChanged,
    notification::events::v1::{CallTaskCompleted, CallTaskPlanned},
};
use sqlx::PgConnection;

/// The events that facts are made from.
pub(crate) fn sources() -> [Source; 7] {
    [
        Source::event::<StoreChanged>(),
        Source::event::<VehicleDelivered>(),
        Source::event::<VisitStarted>(),
        Source::event::<VisitCompleted>(),
        Source::event::<CaseOpened>(),
        Source::event::<CallTaskPlanned>(),
        Source::event::<CallTaskCompleted>(),
    ]
}

/// Keeps the facts.
pub(crate) struct Facts;

#[async_trait]
impl Handler for Facts {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        // The most frequent first; each answers None for an event of another type.
        if let Some(told) = event.decode::<VisitStarted>()? {
            return visits::started(tx, event.version, &told).await;
        }
        if let Some(told) = event.decode::<VisitCompleted>()? {
            return visits::completed(tx, event.version, &told).await;
        }
        if let Some(told) = event.decode::<CallTaskPlanned>()? {
            return call_tasks::planned(tx, event.version, &told).await;
        }
        if let Some(told) = event.decode::<CallTaskCompleted>()? {
            return call_tasks::completed(tx, event.version, &told).await;
        }
        if let Some(told) = event.decode::<VehicleDelivered>()? {
            return deliveries::delivered(tx, event.version, &told).await;
        }
        if let Some(told) = event.decode::<CaseOpened>()? {
            return cases::opened(tx, event, &told).await;
        }
        if let Some(told) = event.decode::<StoreChanged>()? {
            return stores::changed(tx, event.version, &told).await;
        }
        Ok(())
    }
}

/// Reads what an event tells, collecting what is wrong with it. An event that cannot be read will never be readable:
/// it goes to the dead letters, not round again.
struct Reading(Violations);

impl Reading {
    fn new() -> Self {
        Self(Violations::default())
    }

    fn time(
        &mut self,
        field: &'static str,
        value: Option<&prost_types::Timestamp>,
    ) -> Option<jiff::Timestamp> {
        if value.is_none() {
            self.0.push(field, "is required");
        }
        self.0.timestamp(field, value)
    }

    fn finish<T>(self, fact: Option<T>) -> Result<T, HandleError> {
        self.0.check().map_err(HandleError::Permanent)?;
        fact.ok_or_else(|| {
            HandleError::Permanent(foursight_kernel::Error::invalid_field("event", "tells too little"))
        })
    }
}
