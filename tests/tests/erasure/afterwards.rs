//! What may happen when a customer is gone: events that come late, and somebody who rules the database.

use anyhow::{Context, Result, ensure};
use foursight_kernel::{Clock, SystemClock, time::to_proto};
use foursight_messaging::NewEvent;
use foursight_proto::{
    customer::events::v1::{VehicleDelivered, VisitCompleted},
    notification::{events::v1::CallTaskCompleted, v1::Satisfaction},
};
use foursight_tests::{
    names::id_of,
    world::{World, run},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::looking::{found, look, number, tell};

/// What was told before and comes only now, by a service that was away.
pub(crate) async fn late_events(world: &World, owner: &mut PgConnection, customer: &str) -> Result<()> {
    let (store, vehicle) = (world.story.store.clone(), world.names.of("vehicles").to_owned());
    let now = SystemClock.now();
    let time = Some(to_proto(now));
    let ids = |collection: &str| format!("{collection}/{}", Uuid::from_u128(number(now, collection)));
    let delivered = VehicleDelivered {
        delivery: ids("deliveries"),
        customer: customer.to_owned(),
        store: store.clone(),
        vehicle: vehicle.clone(),
        deliver_time: time,
        ..VehicleDelivered::default()
    };
    let completed = VisitCompleted {
        visit: ids("visits"),
        customer: customer.to_owned(),
        store,
        vehicle,
        hand_over_time: time,
        ..VisitCompleted::default()
    };
    let dissatisfied = CallTaskCompleted {
        call_task: world.names.of("callTasks").to_owned(),
        customer: customer.to_owned(),
        store: world.story.store.clone(),
        satisfaction: Satisfaction::Dissatisfied.into(),
        due_time: time,
        complete_time: time,
        ..Default::default()
    };
    let cases = "SELECT count(*) FROM complaint.cases";
    let before: i64 = sqlx::query_scalar(cases).fetch_one(&mut *owner).await?;
    tell(world, "customer", NewEvent::new(&delivered, Uuid::from_u128(1), 1, None)).await?;
    tell(world, "customer", NewEvent::new(&completed, Uuid::from_u128(2), 2, None)).await?;
    tell(world, "notification", NewEvent::new(&dissatisfied, Uuid::from_u128(3), 9, None)).await?;
    world.settled().await?;
    let after: i64 = sqlx::query_scalar(cases).fetch_one(&mut *owner).await?;
    ensure!(before == after, "a case was taken from a call to nobody");
    Ok(())
}

/// What somebody may do who rules the database, each of which is found.
pub(crate) async fn tampering(
    world: &World,
    owner: &mut PgConnection,
    customer: Uuid,
    erasure: Uuid,
) -> Result<()> {
    let store = id_of(&world.story.store)?;
    for (what, do_it, undo, wanted) in [
        (
            "another certificate",
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0007', '2026/0008') WHERE id = '{erasure}'"),
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0008', '2026/0007') WHERE id = '{erasure}'"),
            "another text is sealed",
        ),
        (
            "another certificate with its seal",
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0007', '2026/0008'),
                         seal = sha256(convert_to(replace(certificate, '2026/0007', '2026/0008'), 'UTF8')) WHERE id = '{erasure}'"),
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0008', '2026/0007'),
                         seal = sha256(convert_to(replace(certificate, '2026/0008', '2026/0007'), 'UTF8')) WHERE id = '{erasure}'"),
            "the log has another seal",
        ),
        (
            "a key that is back",
            format!("INSERT INTO customer.customer_keys VALUES ('{customer}', 1, '\\x00')"),
            format!("DELETE FROM customer.customer_keys WHERE customer_id = '{customer}'"),
            "the key that opens what is sealed is still there",
        ),
        (
            "a row that is back",
            format!("INSERT INTO customer.timeline_entries (customer_id, event_id, kind, resource, occur_time, place, details)
                     VALUES ('{customer}', gen_random_uuid(), 'BACK', '', now(), 1, '{{}}')"),
            format!("DELETE FROM customer.timeline_entries WHERE customer_id = '{customer}'"),
            "customer.timeline_entries: 1 rows have the id in customer_id",
        ),
        (
            "a word that is back",
            format!("UPDATE customer.customers SET occupation = 'teacher' WHERE id = '{customer}'"),
            format!("UPDATE customer.customers SET occupation = '' WHERE id = '{customer}'"),
            "customer.customers: 1 rows say something",
        ),
        (
            "a case of the customer's",
            format!("UPDATE complaint.cases SET customer_id = '{customer}' WHERE id IN (SELECT id FROM complaint.cases LIMIT 1)"),
            format!("UPDATE complaint.cases SET customer_id = NULL WHERE customer_id = '{customer}'"),
            "complaint.cases: 1 rows have the id",
        ),
        (
            "a table that nobody has declared",
            format!("CREATE TABLE notification.later (who text, store_id uuid); INSERT INTO notification.later VALUES ('for customers/{customer}', '{store}')"),
            "DROP TABLE notification.later".to_owned(),
            "notification.later: 1 rows have the id in who",
        ),
    ] {
        run(owner, &do_it).await.with_context(|| what.to_owned())?;
        let report = look(world, &format!("customers/{customer}")).await;
        run(owner, &undo).await.with_context(|| what.to_owned())?;
        found(&report?, wanted).with_context(|| what.to_owned())?;
    }
    Ok(())
}
