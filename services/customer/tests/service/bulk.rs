//! What is loaded in bulk is as if it had been told one by one.

use foursight_customer::{
    bulk::{
        Batch, ConsentRow, ContactRow, CustomerRow, DeliveryRow, LeadRow, OwnershipRow, PlateRow, VehicleRow,
        VisitRow, load,
    },
    vehicles::vin,
};
use foursight_kernel::{Clock, CustomerId, StaffId, StoreId};
use foursight_proto::customer::v1::{
    ConsentState, ContactKind, CustomerKind, Gender, LeadGrade, LeadState, LifeCycleStage,
    ListCustomersRequest, ListTimelineEntriesRequest, Purpose, ResolveContactsRequest, SourceChannel,
    VisitKind,
};
use jiff::SignedDuration;

use crate::world::World;

/// A customer who bought a car and came once, for each number.
fn batch(world: &World, store: StoreId, numbers: std::ops::Range<u32>) -> Batch {
    let mut batch = Batch::default();
    let now = world.stack.clock.now();
    let staff: StaffId = world.here.id;
    for number in numbers {
        let (id, lead, delivery, vehicle) = (
            world.stack.ids.next::<CustomerId>(),
            world.stack.ids.next(),
            world.stack.ids.next(),
            world.stack.ids.next(),
        );
        let vin = vin::with_check_digit(&format!("LDEMA0000{number:08}")).unwrap();
        let plate = format!("浙{}{:05}", ['A', 'B', 'C'][(number / 100_000) as usize % 3], number % 100_000);
        batch.customers.push(CustomerRow {
            id,
            kind: CustomerKind::Person,
            display_name: format!("示例{number}"),
            gender: Gender::Female,
            birthday: Some(jiff::civil::date(1990, 1, 1)),
            national_id: None,
            contacts: vec![
                ContactRow { kind: ContactKind::Phone, value: format!("138{number:08}").into() },
                ContactRow { kind: ContactKind::Email, value: format!("demo{number}@example.com").into() },
            ],
            store,
            other_stores: Vec::new(),
            source: SourceChannel::WalkIn,
            stage: LifeCycleStage::Service,
            create_time: now - SignedDuration::from_hours(300),
        });
        for purpose in [Purpose::Service, Purpose::Survey] {
            batch.consents.push(ConsentRow {
                id: world.stack.ids.next(),
                customer: id,
                purpose,
                contact_kind: ContactKind::Email,
                state: ConsentState::Given,
                method: "paper form".to_owned(),
                wording_version: "2026-01".to_owned(),
                recorder: Some(staff),
                create_time: now - SignedDuration::from_hours(299),
            });
        }
        batch.leads.push(LeadRow {
            id: lead,
            customer: id,
            store,
            source: SourceChannel::WalkIn,
            intended_model: "Demo X".to_owned(),
            grade: Some(LeadGrade::H),
            state: LeadState::Won,
            owner: staff,
            next_follow_up_time: None,
            create_time: now - SignedDuration::from_hours(298),
            update_time: now - SignedDuration::from_hours(200),
        });
        let delivered = now - SignedDuration::from_hours(200);
        batch.vehicles.push(VehicleRow {
            id: vehicle,
            vin: vin.clone(),
            model: "Demo X".to_owned(),
            trim: String::new(),
            colour: "white".to_owned(),
            deliver_time: Some(delivered),
            create_time: delivered,
        });
        batch.ownerships.push(OwnershipRow { vehicle, customer: id, start_time: delivered, end_time: None });
        batch.plates.push(PlateRow { vehicle, plate: plate.clone(), start_time: delivered, end_time: None });
        batch.deliveries.push(DeliveryRow {
            id: delivery,
            customer: id,
            store,
            lead: Some(lead),
            vehicle,
            vin,
            plate: Some(plate),
            model: "Demo X".to_owned(),
            trim: String::new(),
            colour: "white".to_owned(),
            odometer_km: 10,
            advisor: staff,
            deliver_time: delivered,
        });
        batch.visits.push(VisitRow {
            id: world.stack.ids.next(),
            store,
            vehicle,
            customer: id,
            kind: VisitKind::Maintenance,
            odometer_km: 4_900,
            advisor: staff,
            promise_time: None,
            check_in_time: now - SignedDuration::from_hours(10),
            hand_over_time: Some(now - SignedDuration::from_hours(7)),
            amount_fen: Some(68_000),
        });
    }
    batch
}

#[tokio::test]
async fn what_is_loaded_reads_like_what_was_told() {
    let world = World::start().await;
    let mut tx = world.stack.db("customer").begin_as_service().await.unwrap();
    let loaded = load(&mut tx, &world.stack.settings, &world.stack.ids, batch(&world, world.hangzhou, 0..20))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((loaded.customers, loaded.events), (20, 20 * 7));
    world.stack.settled().await.unwrap();

    let request = ListCustomersRequest { q: "13800000007".to_owned(), ..ListCustomersRequest::default() };
    let found = world.customers(&world.here).list_customers(request).await.unwrap().into_inner().customers;
    assert_eq!((found.len(), found[0].display_name.as_str(), found[0].etag.as_str()), (1, "示例7", "3"));
    let request =
        ListTimelineEntriesRequest { parent: found[0].name.clone(), ..ListTimelineEntriesRequest::default() };
    let list = world.customers(&world.here).list_timeline_entries(request).await.unwrap().into_inner();
    let kinds: Vec<&str> = list.timeline_entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "VISIT_COMPLETED",
            "VISIT_STARTED",
            "VEHICLE_DELIVERED",
            "LEAD_CREATED",
            "CONSENT_RECORDED",
            "CONSENT_RECORDED",
            "CUSTOMER_CREATED"
        ]
    );
    let service = world.stack.service("notification").unwrap();
    let request = ResolveContactsRequest {
        customers: vec![found[0].name.clone()],
        purpose: Purpose::Service.into(),
        contact_kind: ContactKind::Email.into(),
    };
    let answer = world.contacts(&service).resolve_contacts(request).await.unwrap().into_inner();
    assert_eq!(answer.contacts[0].address, "demo7@example.com");

    // Twice the same phone: refused as a whole.
    let mut tx = world.stack.db("customer").begin_as_service().await.unwrap();
    assert!(
        load(&mut tx, &world.stack.settings, &world.stack.ids, batch(&world, world.hangzhou, 7..8))
            .await
            .is_err()
    );
}
