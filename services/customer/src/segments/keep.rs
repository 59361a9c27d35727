//! What keeps the narrow rows: made anew from what stands in the other tables, so that events may come again and in any order.
//!
//! A consumer and not the operations themselves, so that nobody at a counter waits for it. What follows from visits and deliveries
//! (`value`) has no event of its own, and refreshes the rows itself.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use foursight_kernel::{CustomerId, Result, VehicleId, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Projection, Received, Source};
use foursight_proto::customer::{
    events::v1::{
        ConsentRecorded, ContactPointAdded, ContactPointEnded, CustomerCreated, CustomerTagged,
        CustomerUpdated, DeliveryRemoved, GroupChanged, LeadAssigned, LeadCreated, LeadLost, LeadReleased,
        ReceptionCreated, StageCorrected, ValueTierChanged, VehicleAdded, VehicleDelivered, VehicleRemoved,
        VehicleUpdated, VisitCompleted, VisitRemoved, VisitStarted,
    },
    v1::{ConsentState, ContactKind, LeadState},
};
use foursight_runtime::merging::Merging;
use sqlx::PgConnection;
use uuid::Uuid;

/// Calls a macro with every event after which a file's row may be another one.
macro_rules! heard {
    ($what:ident!($($more:tt)*)) => {
        $what!(
            $($more)* CustomerCreated, CustomerUpdated, ContactPointAdded, ContactPointEnded, CustomerTagged, GroupChanged,
            ValueTierChanged, StageCorrected, ConsentRecorded, ReceptionCreated, LeadCreated, LeadAssigned, LeadReleased,
            LeadLost, VehicleDelivered, VehicleUpdated, VehicleAdded, VehicleRemoved, VisitStarted, VisitCompleted,
            DeliveryRemoved, VisitRemoved
        )
    };
}

macro_rules! sources {
    ($($event:ident),*) => { [$(Source::event::<$event>()),*] };
}

macro_rules! customer_of {
    ($received:expr, $($event:ident),*) => {{
        $(if let Some(it) = $received.decode::<$event>()? {
            return Ok(CustomerId::parse_name(&it.customer).ok().map(CustomerId::uuid));
        })*
        Ok(None)
    }};
}

/// Hears of whatever changes a row, from the first event on. When rows get other columns, give it another purpose: then it makes all
/// of them anew.
pub(crate) fn consumer() -> ConsumerSpec {
    let sources: Vec<Source> = heard!(sources!()).into_iter().chain(Merging::sources()).collect();
    ConsumerSpec::projection("segments", &sources, Arc::new(Rows))
}

struct Rows;

#[async_trait]
impl Projection for Rows {
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let (mut customers, mut vehicles) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            customers.extend(customer(event)?);
            if let Some(it) = Merging::heard(event)? {
                customers.extend([it.survivor, it.absorbed]);
            }
            if let Some(it) = event.decode::<VehicleDelivered>()? {
                vehicles.extend(VehicleId::parse_name(&it.vehicle).map(VehicleId::uuid));
            }
        }
        if !vehicles.is_empty() {
            customers.extend(owners(tx, &vehicles.into_iter().collect::<Vec<_>>()).await?);
        }
        take_turn(tx).await?;
        refresh(tx, &customers.into_iter().collect::<Vec<_>>()).await?;
        Ok(())
    }
}

fn customer(event: &Received) -> Result<Option<Uuid>, HandleError> {
    heard!(customer_of!(event,))
}

/// Who has and had the cars: who had one has it no more.
async fn owners(tx: &mut PgConnection, vehicles: &[Uuid]) -> Result<Vec<Uuid>> {
    let owners = sqlx::query_scalar!(
        "SELECT DISTINCT customer_id FROM customer.vehicle_ownerships WHERE vehicle_id = ANY ($1)",
        vehicles,
    );
    Ok(owners.fetch_all(tx).await?)
}

/// Who writes rows takes turns until the transaction ends, so that the second one reads what the first one knew; and no merge comes
/// between, which locks files and their rows in its own order. To be asked before any file is locked.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn take_turn(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        r#"SELECT customer.lock_merges(false) AS "merges?", pg_advisory_xact_lock(hashtext('segment files')) AS "taken?""#
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// Makes the rows of these files anew, where they are not what they should be.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn refresh(tx: &mut PgConnection, customers: &[Uuid]) -> Result<()> {
    if customers.is_empty() {
        return Ok(());
    }
    sqlx::query_file!(
        "src/segments/refresh.sql",
        customers,
        sql::number(ContactKind::Phone),
        sql::number(ConsentState::Given),
        sql::number(LeadState::Open),
    )
    .execute(tx)
    .await?;
    Ok(())
}
