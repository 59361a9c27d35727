//! Takes open leads from owners who can no longer work them: who left, changed store or lost the right. The store sees them as
//! nobody's, due as before, and gives them to somebody (`AssignLead`).

use async_trait::async_trait;
use foursight_access::rights::roles_with;
use foursight_kernel::{CustomerId, LeadId, Result, StaffId, StoreId, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::events::v1::LeadReleased;
use foursight_runtime::staffing::{self, Released, Round};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::staff::LEAD_RIGHT;

/// Finds the leads of such owners.
pub(crate) struct Release;

struct Taken {
    id: Uuid,
    customer_id: Uuid,
    store_id: Uuid,
    owner_id: Uuid,
    version: i64,
}

#[async_trait]
impl staffing::Release for Release {
    const WORKER: &'static str = "lead-release";
    const THINGS: &'static str = "leads";

    async fn batch(&self, tx: &mut PgConnection, round: &Round) -> Result<usize> {
        let leads = take(tx, round).await?;
        for lead in &leads {
            tell(tx, round, lead).await?;
        }
        Ok(leads.len())
    }
}

async fn tell(tx: &mut PgConnection, round: &Round, lead: &Taken) -> Result<()> {
    let (store, previous_owner) = (StoreId::from(lead.store_id), StaffId::from(lead.owner_id));
    let told = LeadReleased {
        lead: LeadId::from(lead.id).name(),
        customer: CustomerId::from(lead.customer_id).name(),
        store: store.name(),
        previous_owner: previous_owner.name(),
    };
    let event = NewEvent::new(&told, lead.id, lead.version, Some(store));
    let released = Released { method: "ReleaseLead", resource: &told.lead, store, previous_owner, event };
    round.tell(tx, released).await
}

/// Takes a batch of leads whose owner is known and may not own them. One that somebody is working on is left for the next round.
async fn take(tx: &mut PgConnection, round: &Round) -> Result<Vec<Taken>> {
    // Found by the index alone, once, then locked: whoever was given one meanwhile keeps it, as its owner is looked at again.
    let released = sqlx::query_as!(
        Taken,
        "WITH found AS MATERIALIZED (
             SELECT o.id, o.owner_id FROM customer.staff s JOIN customer.leads o ON o.owner_id = s.id
             WHERE o.state = 1 AND o.release_time IS NULL
               AND NOT (s.active AND (s.headquarters OR s.stores @> ARRAY[o.store_id]) AND s.roles && $1::smallint[])
             LIMIT $2
         ), stranded AS (
             SELECT l.id FROM found f JOIN customer.leads l ON l.id = f.id
             WHERE l.state = 1 AND l.release_time IS NULL AND l.owner_id = f.owner_id
             FOR NO KEY UPDATE OF l SKIP LOCKED
         )
         UPDATE customer.leads l SET release_time = $3, version = version + 1, update_time = $3
         FROM stranded WHERE l.id = stranded.id
         RETURNING l.id, l.customer_id, l.store_id, l.owner_id, l.version",
        &roles_with(LEAD_RIGHT),
        round.limit,
        sql::at(round.now) as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(released)
}
