//! What follows from deliveries and visits: what a customer brought, and who is in the group UIO 保有客户. Both are counted anew
//! from what stands in the tables, so that events may come again and in any order.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use foursight_kernel::{CustomerId, GroupMembershipId, Ids, Result, SharedClock, VehicleId, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Projection, Received, Source};
use foursight_proto::customer::{
    events::v1::{
        DeliveryRemoved, VehicleAdded, VehicleDelivered, VehicleRemoved, VisitCompleted, VisitRemoved,
    },
    v1::CustomerGroup,
};
use foursight_runtime::merging::Merging;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    segments::keep,
    value::{ValueRule, amount},
};

/// The consumer that keeps both.
pub(crate) fn consumer(rule: ValueRule, clock: SharedClock, ids: Ids) -> ConsumerSpec {
    let mut sources = vec![
        Source::event::<VehicleDelivered>(),
        Source::event::<VisitCompleted>(),
        Source::event::<VehicleAdded>(),
        Source::event::<VehicleRemoved>(),
        Source::event::<DeliveryRemoved>(),
        Source::event::<VisitRemoved>(),
    ];
    sources.extend(Merging::sources());
    ConsumerSpec::projection("standing", &sources, Arc::new(Standing { rule, clock, ids }))
}

struct Standing {
    rule: ValueRule,
    clock: SharedClock,
    ids: Ids,
}

/// Who owns or owned a car, with the standing in UIO as it is and as it should be.
struct Owner {
    id: Uuid,
    member: bool,
    owns_since: Option<sql::Timestamp>,
    owned_until: Option<sql::Timestamp>,
}

#[async_trait]
impl Projection for Standing {
    async fn handle_all(&self, tx: &mut PgConnection, events: &[&Received]) -> Result<(), HandleError> {
        let (mut customers, mut vehicles) = (BTreeSet::new(), BTreeSet::new());
        let (mut merged, mut owners) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            if let Some(it) = Merging::heard(event)? {
                merged.extend([it.survivor, it.absorbed]);
                continue;
            }
            let owner = if let Some(it) = event.decode::<VehicleAdded>()? {
                Some(it.customer)
            } else {
                event.decode::<VehicleRemoved>()?.map(|it| it.customer)
            };
            if let Some(owner) = owner {
                owners.extend(CustomerId::parse_name(&owner).map(CustomerId::uuid));
                continue;
            }
            let (customer, vehicle) = if let Some(it) = event.decode::<VehicleDelivered>()? {
                (it.customer, it.vehicle)
            } else if let Some(it) = event.decode::<VisitCompleted>()? {
                (it.customer, it.vehicle)
            } else if let Some(it) = event.decode::<DeliveryRemoved>()? {
                (it.customer, it.vehicle)
            } else if let Some(it) = event.decode::<VisitRemoved>()? {
                (it.customer, it.vehicle)
            } else {
                continue;
            };
            customers.extend(CustomerId::parse_name(&customer).map(CustomerId::uuid));
            vehicles.extend(VehicleId::parse_name(&vehicle).map(VehicleId::uuid));
        }
        keep::take_turn(tx).await?;
        let merged: Vec<Uuid> = merged.into_iter().collect();
        if !merged.is_empty() {
            vehicles.extend(cars_of(tx, &merged).await?);
            customers.extend(still_there(tx, &merged).await?);
        }
        // Files are locked before what is counted of them, as everybody does it.
        let (vehicles, owners): (Vec<_>, Vec<_>) =
            (vehicles.into_iter().collect(), owners.into_iter().collect());
        let moved = self.owners(tx, &vehicles, &owners).await?;
        let counted: Vec<Uuid> = customers.iter().copied().collect();
        amount::count(tx, self.rule, &counted, self.clock.now()).await?;
        customers.extend(moved);
        keep::refresh(tx, &customers.into_iter().collect::<Vec<_>>()).await?;
        Ok(())
    }
}

/// The cars of files, whose owners are looked at.
async fn cars_of(tx: &mut PgConnection, files: &[Uuid]) -> Result<Vec<Uuid>> {
    let cars = sqlx::query_scalar!(
        "SELECT DISTINCT vehicle_id FROM customer.vehicle_ownerships WHERE customer_id = ANY ($1)",
        files
    )
    .fetch_all(tx)
    .await?;
    Ok(cars)
}

/// Those of these files that were not absorbed and have anything to be counted.
async fn still_there(tx: &mut PgConnection, files: &[Uuid]) -> Result<Vec<Uuid>> {
    let there = sqlx::query_scalar!(
        "SELECT c.id FROM customer.customers c
         WHERE c.id = ANY ($1) AND c.merged_into IS NULL
           AND (EXISTS (SELECT FROM customer.customer_values v WHERE v.customer_id = c.id)
                OR EXISTS (SELECT FROM customer.visits v WHERE v.customer_id = c.id)
                OR EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = c.id))",
        files
    )
    .fetch_all(tx)
    .await?;
    Ok(there)
}

impl Standing {
    /// Who owns a car now is in UIO, since the first of the cars of now; who owned one and has none is not any more. Of these cars all
    /// who have or had them are looked at, and these customers. Answers who came or went.
    async fn owners(
        &self,
        tx: &mut PgConnection,
        vehicles: &[Uuid],
        customers: &[Uuid],
    ) -> Result<Vec<Uuid>> {
        sqlx::query!(
            "SELECT c.id FROM customer.customers c
             WHERE c.id = ANY ($2) OR c.id IN (SELECT o.customer_id FROM customer.vehicle_ownerships o WHERE o.vehicle_id = ANY ($1))
             ORDER BY c.id FOR UPDATE",
            vehicles,
            customers,
        )
        .fetch_all(&mut *tx)
        .await?;
        let owners = sqlx::query_as!(
            Owner,
            r#"SELECT c.id, $2 = ANY (c.groups) AS "member!",
                      min(o.start_time) FILTER (WHERE o.end_time IS NULL AND o.vehicle_id IS NOT NULL) AS owns_since,
                      max(o.end_time) AS owned_until
               FROM customer.customers c LEFT JOIN customer.vehicle_ownerships o ON o.customer_id = c.id
               WHERE c.id = ANY ($3) OR c.id IN (SELECT a.customer_id FROM customer.vehicle_ownerships a WHERE a.vehicle_id = ANY ($1))
               GROUP BY c.id"#,
            vehicles,
            sql::number(CustomerGroup::Uio),
            customers,
        )
        .fetch_all(&mut *tx)
        .await?;
        let (mut come, mut gone) = (Vec::new(), Vec::new());
        for owner in owners {
            match (owner.owns_since, owner.member) {
                (Some(since), false) => come.push((owner.id, since)),
                (None, true) => gone.push((owner.id, owner.owned_until)),
                _ => {}
            }
        }
        let moved = come.iter().map(|(id, _)| *id).chain(gone.iter().map(|(id, _)| *id)).collect();
        if !come.is_empty() {
            self.come(tx, come).await?;
        }
        if !gone.is_empty() {
            self.gone(tx, gone).await?;
        }
        Ok(moved)
    }

    async fn come(&self, tx: &mut PgConnection, come: Vec<(Uuid, sql::Timestamp)>) -> Result<()> {
        let memberships: Vec<Uuid> =
            come.iter().map(|_| self.ids.next::<GroupMembershipId>().uuid()).collect();
        let (customers, since): (Vec<Uuid>, Vec<sql::Timestamp>) = come.into_iter().unzip();
        sqlx::query!(
            "WITH begun AS (
                 INSERT INTO customer.group_memberships (id, customer_id, its_group, start_time, reason)
                 SELECT m.id, m.customer, $4, m.since, ''
                 FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS m (id, customer, since)
             )
             UPDATE customer.customers c
             SET groups = ARRAY(SELECT g FROM unnest(c.groups || $4::smallint) AS g ORDER BY g)
             WHERE c.id = ANY ($2)",
            &memberships,
            &customers,
            since as _,
            sql::number(CustomerGroup::Uio),
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    async fn gone(&self, tx: &mut PgConnection, gone: Vec<(Uuid, Option<sql::Timestamp>)>) -> Result<()> {
        let (customers, until): (Vec<Uuid>, Vec<Option<sql::Timestamp>>) = gone.into_iter().unzip();
        sqlx::query!(
            "WITH ended AS (
                 UPDATE customer.group_memberships m SET end_time = greatest(m.start_time, e.until)
                 FROM unnest($1::uuid[], $2::timestamptz[]) AS e (customer, until)
                 WHERE m.customer_id = e.customer AND m.its_group = $3 AND m.end_time IS NULL
             )
             UPDATE customer.customers c SET groups = array_remove(c.groups, $3) WHERE c.id = ANY ($1)",
            &customers,
            until as _,
            sql::number(CustomerGroup::Uio),
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
