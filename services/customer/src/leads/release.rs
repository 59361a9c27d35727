//! Takes open leads from owners who can no longer work them: who left, changed store or lost the right. The store sees them as
//! nobody's, due as before, and gives them to somebody (`AssignLead`).
//!
//! A worker looks, rather than the consumer that hears of a leaver: so a lead that somebody was given while the news was under
//! way is found, too.

use async_trait::async_trait;
use foursight_access::{Principal, audit, rights::roles_with};
use foursight_kernel::{CustomerId, LeadId, Result, StaffId, StoreId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::events::v1::LeadReleased;
use foursight_runtime::{Tick, record};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{context::Context, staff::LEAD_RIGHT};

/// Leads in one transaction.
const BATCH: i64 = 200;

/// Finds the leads of such owners.
pub(crate) struct Release(pub(crate) Context);

struct Released {
    id: Uuid,
    customer_id: Uuid,
    store_id: Uuid,
    owner_id: Uuid,
    version: i64,
}

#[async_trait]
impl Tick for Release {
    async fn tick(&self) -> Result<()> {
        loop {
            let now = self.0.now();
            let mut tx = self.0.db.begin_as_service().await?;
            let released = take(&mut tx, now).await?;
            for lead in &released {
                self.tell(&mut tx, lead, now).await?;
            }
            tx.commit().await?;
            if released.is_empty() {
                return Ok(());
            }
            tracing::info!(leads = released.len(), "leads of owners who cannot work them are nobody's now");
        }
    }
}

impl Release {
    async fn tell(&self, tx: &mut PgConnection, lead: &Released, now: Timestamp) -> Result<()> {
        let store = StoreId::from(lead.store_id);
        let told = LeadReleased {
            lead: LeadId::from(lead.id).name(),
            customer: CustomerId::from(lead.customer_id).name(),
            store: store.name(),
            previous_owner: StaffId::from(lead.owner_id).name(),
        };
        let action = audit::Action {
            method: "ReleaseLead",
            resource: &told.lead,
            store: Some(store),
            detail: serde_json::json!({ "previous_owner": told.previous_owner }),
        };
        let event = NewEvent::new(&told, lead.id, lead.version, Some(store));
        record::change(tx, &self.0.ids, &Principal::service("customer"), now, event, action).await
    }
}

/// Takes a batch of leads whose owner is known and may not own them. One that somebody is working on is left for the next round.
async fn take(tx: &mut PgConnection, now: Timestamp) -> Result<Vec<Released>> {
    // Found by the index alone, then locked: whoever was given one meanwhile keeps it, as its owner is looked at again.
    let released = sqlx::query_as!(
        Released,
        "WITH stranded AS (
             SELECT l.id FROM customer.leads l
             WHERE l.state = 1 AND l.release_time IS NULL AND (l.id, l.owner_id) IN (
                 SELECT o.id, o.owner_id FROM customer.staff s JOIN customer.leads o ON o.owner_id = s.id
                 WHERE o.state = 1 AND o.release_time IS NULL
                   AND NOT (s.active AND (s.headquarters OR s.stores @> ARRAY[o.store_id]) AND s.roles && $1::smallint[])
                 LIMIT $2)
             FOR NO KEY UPDATE SKIP LOCKED
         )
         UPDATE customer.leads l SET release_time = $3, version = version + 1, update_time = $3
         FROM stranded WHERE l.id = stranded.id
         RETURNING l.id, l.customer_id, l.store_id, l.owner_id, l.version",
        &roles_with(LEAD_RIGHT),
        BATCH,
        sql::at(now) as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(released)
}
