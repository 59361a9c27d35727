//! The consumer that keeps the timeline.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{CustomerId, Error, StoreId, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Projection, Received, Source};
use foursight_proto::customer::events::v1::{CustomerRemoved, DeliveryRemoved, VisitRemoved};
use foursight_runtime::erasure;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::timeline::entry::Entry;

/// Listens to every service that has dealings with customers.
pub(crate) fn consumer() -> ConsumerSpec {
    let sources =
        [Source::service("customer"), Source::service("notification"), Source::service("complaint")];
    ConsumerSpec::projection("timeline", &sources, Arc::new(Timeline))
}

pub(super) struct Timeline;

#[async_trait]
impl Projection for Timeline {
    /// One event, one entry of each customer, whatever the order and however often it comes. What is said of a customer who is no longer
    /// there (erased) leaves no trace.
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let mut rows = Rows::default();
        let (mut removed, mut taken_back) = (Vec::new(), Vec::new());
        for event in events {
            for entry in [Entry::from_event(event)?, Entry::of_other(event)?].iter().flatten() {
                rows.push(event, entry)?;
            }
            if let Some(it) = event.decode::<CustomerRemoved>()? {
                removed.extend(CustomerId::parse_name(&it.customer).map(CustomerId::uuid));
            }
            if let Some(it) = event.decode::<DeliveryRemoved>()? {
                taken_back.push((it.customer, it.delivery));
            }
            if let Some(it) = event.decode::<VisitRemoved>()? {
                taken_back.push((it.customer, it.visit));
            }
        }
        rows.write(tx).await?;
        take_back(tx, &taken_back).await?;
        forget(tx, &removed).await
    }
}

/// What was told of deliveries and visits that are no more.
async fn take_back(tx: &mut PgConnection, removed: &[(String, String)]) -> Result<(), HandleError> {
    if removed.is_empty() {
        return Ok(());
    }
    let customers: Vec<Uuid> = removed
        .iter()
        .filter_map(|(customer, _)| CustomerId::parse_name(customer).ok())
        .map(CustomerId::uuid)
        .collect();
    let resources: Vec<String> = removed.iter().map(|(_, resource)| resource.clone()).collect();
    sqlx::query!(
        "DELETE FROM customer.timeline_entries WHERE customer_id = ANY ($1) AND resource = ANY ($2)",
        &customers,
        &resources,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What was told of files that are no more.
async fn forget(tx: &mut PgConnection, removed: &[Uuid]) -> Result<(), HandleError> {
    if removed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "DELETE FROM customer.timeline_entries t
         WHERE t.customer_id = ANY ($1) AND NOT EXISTS (SELECT FROM customer.customers c WHERE c.id = t.customer_id)",
        removed,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The entries of a batch, by column. Each event has rows of its own, one of each customer, so that no row is there twice.
#[derive(Default)]
struct Rows {
    customers: Vec<Uuid>,
    events: Vec<Uuid>,
    kinds: Vec<String>,
    resources: Vec<String>,
    stores: Vec<Option<Uuid>>,
    times: Vec<sql::Timestamp>,
    places: Vec<i64>,
    details: Vec<Value>,
    /// The other customer of whom it tells.
    others: Vec<Option<Uuid>>,
}

impl Rows {
    fn push(&mut self, event: &Received, entry: &Entry) -> Result<(), HandleError> {
        self.details.push(serde_json::to_value(&entry.details).map_err(Error::internal)?);
        let told = entry.details.values().filter_map(|told| CustomerId::parse_name(told).ok());
        self.others.push(told.map(CustomerId::uuid).find(|told| *told != entry.customer.uuid()));
        self.customers.push(entry.customer.uuid());
        self.events.push(event.id);
        self.kinds.push(entry.kind.to_owned());
        self.resources.push(entry.resource.clone());
        self.stores.push(event.store.map(StoreId::uuid));
        self.times.push(sql::at(event.time));
        self.places.push(entry.place(event.version));
        Ok(())
    }

    async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        if self.events.is_empty() {
            return Ok(());
        }
        // What is told of a file that was absorbed meanwhile is the survivor's: no merge comes between looking and writing.
        sqlx::query!(r#"SELECT customer.lock_merges(false) AS "locked?""#).fetch_one(&mut *tx).await?;
        // A customer who is erased meanwhile is erased after this, or is not there.
        erasure::hold(&mut *tx).await?;
        sqlx::query!(
            "INSERT INTO customer.timeline_entries
                 (customer_id, event_id, kind, resource, store_id, occur_time, place, details, first_customer_id)
             SELECT DISTINCT ON (its.customer_id, e.event_id)
                    its.customer_id, e.event_id, e.kind, e.resource, e.store_id, e.occur_time, e.place, e.details,
                    CASE WHEN c.merged_into IS NOT NULL THEN c.id END
             FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::bigint[],
                         $8::jsonb[], $9::uuid[])
                  AS e (customer_id, event_id, kind, resource, store_id, occur_time, place, details, other_id)
             JOIN customer.customers c ON c.id = e.customer_id
             CROSS JOIN LATERAL (
                 SELECT CASE WHEN c.merged_into IS NULL THEN c.id ELSE customer.survivor_of(c.id) END
             ) AS its (customer_id)
             -- Not of who was erased since the merge, and not with somebody who was erased.
             WHERE (c.merged_into IS NULL OR EXISTS (SELECT FROM customer.customers s WHERE s.id = its.customer_id))
               AND NOT EXISTS (SELECT FROM customer.erased_customers x WHERE x.customer_id = e.other_id)
             ORDER BY its.customer_id, e.event_id, c.merged_into NULLS FIRST
             ON CONFLICT (customer_id, event_id) DO UPDATE
             SET kind = excluded.kind, resource = excluded.resource, place = excluded.place, details = excluded.details",
            &self.customers,
            &self.events,
            &self.kinds,
            &self.resources,
            &self.stores as _,
            self.times as _,
            &self.places,
            &self.details,
            &self.others as _,
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
