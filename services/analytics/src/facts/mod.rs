//! What happened, as rows, kept by one consumer from the events of four services.
//!
//! Each event tells some columns of one row, and is written when it is newer than what told them before. So events may come
//! twice, late and in any order, and the rows end the same: deleting the rows, and the consumer's place in the streams with
//! its inbox, rebuilds them (`rebuild.rs`). For the same reason the events of a batch can be put together first, the newest of each kind,
//! and be written with one statement for each table.

mod call_tasks;
mod cases;
mod deliveries;
mod newest;
mod stores;
#[cfg(test)]
mod tests;
mod visits;

use async_trait::async_trait;
use foursight_kernel::Violations;
use foursight_messaging::{HandleError, Projection, Received, Source};
use foursight_proto::{
    complaint::events::v1::CaseOpened,
    customer::events::v1::{DeliveryRemoved, VehicleDelivered, VisitCompleted, VisitRemoved, VisitStarted},
    identity::events::v1::StoreChanged,
    notification::events::v1::{CallTaskCompleted, CallTaskPlanned},
};
use sqlx::PgConnection;

use call_tasks::CallTasks;
use cases::Cases;
use deliveries::Deliveries;
use stores::Stores;
use visits::Visits;

/// The events that facts are made from.
pub(crate) fn sources() -> [Source; 9] {
    [
        Source::event::<StoreChanged>(),
        Source::event::<VehicleDelivered>(),
        Source::event::<VisitStarted>(),
        Source::event::<VisitCompleted>(),
        Source::event::<DeliveryRemoved>(),
        Source::event::<VisitRemoved>(),
        Source::event::<CaseOpened>(),
        Source::event::<CallTaskPlanned>(),
        Source::event::<CallTaskCompleted>(),
    ]
}

/// Keeps the facts.
pub(crate) struct Facts;

#[async_trait]
impl Projection for Facts {
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let mut rows = Rows::default();
        for event in events {
            rows.take(event)?;
        }
        rows.write(tx).await
    }
}

/// What a batch tells, by table.
#[derive(Default)]
struct Rows {
    visits: Visits,
    call_tasks: CallTasks,
    deliveries: Deliveries,
    cases: Cases,
    stores: Stores,
}

impl Rows {
    fn take(&mut self, event: &Received) -> Result<(), HandleError> {
        // The most frequent first; each answers None for an event of another type.
        if let Some(told) = event.decode::<VisitStarted>()? {
            return self.visits.started(event.version, &told);
        }
        if let Some(told) = event.decode::<VisitCompleted>()? {
            return self.visits.completed(event.version, &told);
        }
        if let Some(told) = event.decode::<CallTaskPlanned>()? {
            return self.call_tasks.planned(event.version, &told);
        }
        if let Some(told) = event.decode::<CallTaskCompleted>()? {
            return self.call_tasks.completed(event.version, &told);
        }
        if let Some(told) = event.decode::<VehicleDelivered>()? {
            return self.deliveries.delivered(event.version, &told);
        }
        if let Some(told) = event.decode::<DeliveryRemoved>()? {
            return self.deliveries.removed(event.version, &told);
        }
        if let Some(told) = event.decode::<VisitRemoved>()? {
            return self.visits.removed(event.version, &told);
        }
        if let Some(told) = event.decode::<CaseOpened>()? {
            return self.cases.opened(event, &told);
        }
        if let Some(told) = event.decode::<StoreChanged>()? {
            return self.stores.changed(event.version, &told);
        }
        Ok(())
    }

    async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        self.visits.write(tx).await?;
        self.call_tasks.write(tx).await?;
        self.deliveries.write(tx).await?;
        self.cases.write(tx).await?;
        self.stores.write(tx).await
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
