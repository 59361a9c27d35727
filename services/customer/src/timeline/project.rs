//! The consumer that keeps the timeline.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{Error, StoreId, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use sqlx::PgConnection;

use crate::timeline::entry::Entry;

/// Listens to every service that has dealings with customers.
pub(crate) fn consumer() -> ConsumerSpec {
    let sources =
        [Source::service("customer"), Source::service("notification"), Source::service("complaint")];
    ConsumerSpec::new("timeline", &sources, Arc::new(Timeline))
}

struct Timeline;

#[async_trait]
impl Handler for Timeline {
    /// One event, one entry, whatever the order and however often it comes. What is said of a customer who is no longer
    /// there (erased) leaves no trace.
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(entry) = Entry::from_event(event)? else { return Ok(()) };
        let details = serde_json::to_value(&entry.details).map_err(Error::internal)?;
        sqlx::query!(
            "INSERT INTO customer.timeline_entries
                 (customer_id, event_id, kind, resource, store_id, occur_time, place, details)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8
             WHERE EXISTS (SELECT FROM customer.customers WHERE id = $1)
             ON CONFLICT (customer_id, event_id) DO UPDATE
             SET kind = excluded.kind, resource = excluded.resource, place = excluded.place, details = excluded.details",
            entry.customer.uuid(),
            event.id,
            entry.kind,
            entry.resource,
            event.store.map(StoreId::uuid),
            sql::at(event.time) as _,
            entry.place(event.version),
            details,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_kernel::{CustomerId, LeadId};
    use foursight_proto::{
        complaint::events::v1::CaseOpened,
        customer::{
            events::v1::{LeadCreated, LeadGraded, ReceptionCreated},
            v1::LeadGrade,
        },
    };
    use jiff::Timestamp;
    use prost::{Message, Name};
    use uuid::Uuid;

    use super::*;

    fn received<M: Message + Name>(message: &M, version: i64) -> Received {
        Received {
            id: Uuid::from_u128(1),
            event_type: M::full_name(),
            time: Timestamp::UNIX_EPOCH,
            aggregate: Uuid::from_u128(2),
            version,
            store: None,
            payload: message.encode_to_vec().into(),
            traceparent: None,
        }
    }

    fn customer() -> String {
        CustomerId::from(Uuid::from_u128(3)).name()
    }

    #[test]
    fn an_event_says_its_codes_and_no_more() {
        let lead = LeadId::from(Uuid::from_u128(2)).name();
        let graded = LeadGraded {
            lead: lead.clone(),
            customer: customer(),
            grade: LeadGrade::H.into(),
            ..LeadGraded::default()
        };
        let entry = Entry::from_event(&received(&graded, 2)).unwrap().unwrap();
        assert_eq!((entry.kind, entry.resource), ("LEAD_GRADED", lead));
        assert_eq!(entry.details.into_iter().collect::<Vec<_>>(), [("grade".to_owned(), "H".to_owned())]);
    }

    #[test]
    fn the_anonymous_have_no_timeline() {
        assert_eq!(Entry::from_event(&received(&CaseOpened::default(), 1)).unwrap(), None);
        assert_eq!(Entry::from_event(&received(&ReceptionCreated::default(), 1)).unwrap(), None);
    }

    #[test]
    fn what_happens_at_one_instant_keeps_its_order() {
        let entry = |event: Received| Entry::from_event(&event).unwrap().unwrap();
        let reception =
            entry(received(&ReceptionCreated { customer: customer(), ..ReceptionCreated::default() }, 1));
        let created = entry(received(&LeadCreated { customer: customer(), ..LeadCreated::default() }, 1));
        let graded = entry(received(&LeadGraded { customer: customer(), ..LeadGraded::default() }, 2));
        assert!(reception.place(1) < created.place(1));
        assert!(created.place(1) < graded.place(2));
        assert!(graded.place(2) < graded.place(3));
    }

    #[test]
    fn an_event_that_cannot_be_read_is_never_tried_again() {
        let mut broken = received(&LeadGraded::default(), 1);
        broken.payload = vec![0xff; 3].into();
        assert!(matches!(Entry::from_event(&broken), Err(HandleError::Permanent(_))));
    }
}
