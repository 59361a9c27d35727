//! The first service reminder 首保: planned when a car is delivered, stopped when the car comes in.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{Error, Ids, MessageId, SharedClock, VehicleId, sql, time::from_proto};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::{
    customer::events::v1::{VehicleDelivered, VisitStarted},
    notification::v1::{MessageKind, MessageState},
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Time, tz::TimeZone};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    plan::{Planned, plan},
    state::Happening,
    transition::{By, Sent, happen},
};
use crate::{
    gate::Verdict,
    settings::NotificationSettings,
    stores::{self, id_in},
};

/// A reminder that could not go out for so long helps nobody any more.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Plans and stops first service reminders.
pub(crate) struct FirstService {
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) settings: Arc<NotificationSettings>,
}

impl FirstService {
    /// The consumer of deliveries and arrivals.
    pub(crate) fn consumer(self) -> ConsumerSpec {
        let sources = [Source::event::<VehicleDelivered>(), Source::event::<VisitStarted>()];
        ConsumerSpec::new("first-service", &sources, Arc::new(self))
    }

    async fn delivered(
        &self,
        tx: &mut PgConnection,
        delivered: &VehicleDelivered,
    ) -> Result<(), HandleError> {
        let vehicle: VehicleId = id_in(&delivered.vehicle)?;
        let store = id_in(&delivered.store)?;
        let event_time = instant(delivered.deliver_time.as_ref())?;
        let zone = stores::zone(tx, store, &self.settings).await?;
        let now = self.clock.now();
        let due =
            due(event_time, self.settings.first_service_months, self.settings.first_service_time, &zone);
        // History that comes late has been reminded by somebody else, or not at all.
        let Some(plan_time) = due.filter(|due| *due > now) else { return Ok(()) };
        if last_arrival(tx, vehicle, None).await?.is_some_and(|arrival| arrival > event_time) {
            return Ok(());
        }
        let reminder = Planned {
            kind: MessageKind::FirstService,
            customer: id_in(&delivered.customer)?,
            store,
            subject: vehicle.uuid(),
            // A car that is sold again has a first service with its new owner.
            occurrence: delivered.delivery.clone(),
            variables: json!({}),
            event_time,
            send_at: plan_time,
            expire_time: plan_time.saturating_add(LASTS).unwrap_or(Timestamp::MAX),
        };
        Ok(plan(tx, &self.ids, now, reminder).await?)
    }

    async fn arrived(&self, tx: &mut PgConnection, started: &VisitStarted) -> Result<(), HandleError> {
        let vehicle: VehicleId = id_in(&started.vehicle)?;
        let arrival = instant(started.check_in_time.as_ref())?;
        last_arrival(tx, vehicle, Some(arrival)).await?;
        // One that is being handed to the provider this moment is left alone: it cannot be called back.
        let waiting = sqlx::query_scalar!(
            "SELECT id FROM notification.messages
             WHERE kind = $1 AND subject_id = $2 AND state = ANY ($3) AND event_time < $4",
            MessageKind::FirstService as i16,
            vehicle.uuid(),
            &[MessageState::Planned as i16, MessageState::Held as i16],
            sql::at(arrival) as _,
        )
        .fetch_all(&mut *tx)
        .await?;
        let context = (&self.ids, self.clock.now(), self.settings.patience());
        for id in waiting {
            let stop = Happening::Gate(Verdict::Suppress { reason: "CAR_CAME_IN" });
            happen(tx, context, MessageId::from(id), By::Anybody, stop, Sent::default()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for FirstService {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        if let Some(delivered) = event.decode::<VehicleDelivered>()? {
            // Nobody is reminded of what an import tells. A car that came in has come in, whoever tells it.
            if delivered.imported {
                return Ok(());
            }
            self.delivered(tx, &delivered).await
        } else if let Some(started) = event.decode::<VisitStarted>()? {
            self.arrived(tx, &started).await
        } else {
            Ok(())
        }
    }
}

/// When the car was last in a workshop, a new arrival included. Locks the car's row: a delivery and an arrival whose events
/// come at the same moment see each other.
async fn last_arrival(
    tx: &mut PgConnection,
    vehicle: VehicleId,
    arrival: Option<Timestamp>,
) -> Result<Option<Timestamp>, HandleError> {
    let last = sqlx::query_scalar!(
        "INSERT INTO notification.vehicle_arrivals AS a (vehicle_id, last_arrival) VALUES ($1, $2)
         ON CONFLICT (vehicle_id) DO UPDATE SET last_arrival = greatest(a.last_arrival, excluded.last_arrival)
         RETURNING last_arrival",
        vehicle.uuid(),
        sql::maybe_at(arrival) as _,
    )
    .fetch_one(tx)
    .await?;
    Ok(last.map(sql::Timestamp::to_jiff))
}

fn instant(time: Option<&prost_types::Timestamp>) -> Result<Timestamp, HandleError> {
    time.and_then(from_proto).ok_or_else(|| {
        HandleError::Permanent(Error::internal("an event without the time at which it happened"))
    })
}

/// So many months after the delivery, on the local day, at the local time. The 31st becomes the last of a shorter month; a time
/// that the clocks jump over moves behind the jump.
fn due(delivered: Timestamp, months: u16, at: Time, zone: &TimeZone) -> Option<Timestamp> {
    let day = zone.to_datetime(delivered).date().checked_add(i32::from(months).months()).ok()?;
    zone.to_ambiguous_timestamp(day.to_datetime(at)).compatible().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;

    use super::*;

    fn due_in(zone: &str, delivered: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        due(delivered.parse().unwrap(), 5, time(10, 0, 0, 0), &zone)
            .unwrap()
            .to_zoned(zone)
            .datetime()
            .to_string()
    }

    #[test]
    fn the_reminder_comes_at_ten_local_time() {
        // In Shanghai it is the 2nd already when it is the 1st in London.
        assert_eq!(due_in("Asia/Shanghai", "2026-03-01T18:00:00Z"), "2026-08-02T10:00:00");
        assert_eq!(due_in("Europe/London", "2026-03-01T18:00:00Z"), "2026-08-01T10:00:00");
    }

    #[test]
    fn a_month_without_a_31st_ends_earlier() {
        assert_eq!(due_in("Asia/Shanghai", "2026-01-31T02:00:00Z"), "2026-06-30T10:00:00");
        assert_eq!(due_in("Asia/Shanghai", "2026-09-30T02:00:00Z"), "2027-02-28T10:00:00");
    }
}
