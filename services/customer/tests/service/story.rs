//! The way of a customer: received, graded, an owner, a guest of the workshop; and the timeline of it.

use foursight_kernel::{CallTaskId, CaseId, time};
use foursight_proto::{
    complaint::events::v1::{CaseAdvanced, CaseOpened, Step},
    customer::{
        events::v1::VehicleDelivered,
        v1::{
            CompleteVisitRequest, CreateReceptionRequest, Delivery, GetLeadRequest, GradeLeadRequest,
            LeadGrade, LeadState, LifeCycleStage, ListLeadsRequest, ListTimelineEntriesRequest, PresentedCar,
            Reception, ReceptionKind, TimelineEntry, Visit, VisitState,
        },
    },
    google::r#type::Money,
    notification::events::v1::CallTaskPlanned,
};
use foursight_testkit::{refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::Code;

use crate::world::{World, delivery, person, visit};

async fn timeline(world: &World, customer: &str, page_size: i32) -> Vec<TimelineEntry> {
    world.stack.settled().await.unwrap();
    let (mut entries, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTimelineEntriesRequest {
            parent: customer.to_owned(),
            kinds: Vec::new(),
            page_size,
            page_token,
        };
        let list = world.customers(&world.here).list_timeline_entries(request).await.unwrap().into_inner();
        entries.extend(list.timeline_entries);
        page_token = list.next_page_token;
        if page_token.is_empty() {
            return entries;
        }
    }
}

#[tokio::test]
async fn the_way_of_a_customer_stands_on_the_timeline_in_order() {
    let world = World::start().await;
    let reception =
        world.receive(&world.here, world.hangzhou, person(world.hangzhou, "示例一", "13800001234")).await;
    let customer = reception.customer.clone();
    let lead = world.lead(&world.here, world.hangzhou, &customer).await;
    assert_eq!((lead.state(), lead.owner.as_str()), (LeadState::Open, world.here.id.name().as_str()));
    assert_eq!(world.file(&world.here, &customer).await.unwrap().stage(), LifeCycleStage::Intention);
    let request =
        GradeLeadRequest { name: lead.name.clone(), grade: LeadGrade::H.into(), ..Default::default() };
    let graded = world.leads(&world.here).grade_lead(request).await.unwrap().into_inner();
    let due = time::from_proto(&graded.next_follow_up_time.unwrap()).unwrap();
    assert_eq!(due, foursight_kernel::Clock::now(&*world.stack.clock) + SignedDuration::from_hours(48));

    world.stack.clock.advance(SignedDuration::from_hours(1));
    let car =
        Delivery { lead: lead.name.clone(), ..delivery(&customer, world.hangzhou, "LDEMA00000X000001") };
    let car = world.deliver(&world.here, car).await.unwrap();
    let won = world
        .leads(&world.here)
        .get_lead(GetLeadRequest { name: lead.name.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((won.state(), won.next_follow_up_time), (LeadState::Won, None));
    assert_eq!(world.file(&world.here, &customer).await.unwrap().stage(), LifeCycleStage::Buyer);
    let told: Vec<VehicleDelivered> = world.stack.told().await.unwrap();
    assert_eq!((told[0].vehicle.as_str(), told[0].lead.as_str()), (car.vehicle.as_str(), lead.name.as_str()));

    world.stack.clock.advance(SignedDuration::from_hours(24 * 180));
    let visit = world.check_in(&world.here, world.hangzhou, &car.vehicle, 5_000).await.unwrap();
    assert_eq!((visit.state(), visit.customer.as_str()), (VisitState::InWorkshop, customer.as_str()));
    let amount = Some(Money { currency_code: "CNY".to_owned(), units: 680, nanos: 500_000_000 });
    let request =
        CompleteVisitRequest { name: visit.name.clone(), amount: amount.clone(), ..Default::default() };
    let done = world.visits(&world.here).complete_visit(request.clone()).await.unwrap().into_inner();
    assert_eq!((done.state(), done.amount), (VisitState::HandedOver, amount));
    let again = world.visits(&world.here).complete_visit(request).await;
    assert_eq!(refusal(again), (Code::FailedPrecondition, "VISIT_ALREADY_HANDED_OVER".to_owned()));
    assert_eq!(world.file(&world.here, &customer).await.unwrap().stage(), LifeCycleStage::Service);

    let kinds: Vec<String> =
        timeline(&world, &customer, 3).await.into_iter().map(|entry| entry.kind).collect();
    assert_eq!(
        kinds,
        [
            "VISIT_COMPLETED",
            "VISIT_STARTED",
            "VEHICLE_DELIVERED",
            "LEAD_GRADED",
            "LEAD_CREATED",
            "RECEPTION_CREATED",
            "CUSTOMER_CREATED"
        ]
    );
}

#[tokio::test]
async fn what_other_services_tell_stands_on_the_timeline_once() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    world.stack.clock.advance(SignedDuration::from_secs(1));
    let (task, case): (CallTaskId, CaseId) = (world.stack.ids.next(), world.stack.ids.next());
    let (here, there) = (Some(world.hangzhou), Some(world.suzhou));
    let planned =
        CallTaskPlanned { call_task: task.name(), customer: customer.clone(), ..CallTaskPlanned::default() };
    world.stack.tell(&planned, task.uuid(), 1, here).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_secs(1));
    let opened = CaseOpened {
        case: case.name(),
        customer: customer.clone(),
        category: "waiting_time".to_owned(),
        ..CaseOpened::default()
    };
    world.stack.tell(&opened, case.uuid(), 1, here).await.unwrap();
    // Of one case, at one instant, told in the wrong order.
    for (version, step) in [(3, Step::Replied), (2, Step::Assigned)] {
        let advanced = CaseAdvanced {
            case: case.name(),
            customer: customer.clone(),
            step: step.into(),
            ..CaseAdvanced::default()
        };
        world.stack.tell(&advanced, case.uuid(), version, here).await.unwrap();
    }
    // At another store, of another customer, of nobody.
    world.stack.tell(&planned, task.uuid(), 1, there).await.unwrap();
    let strange = CallTaskPlanned { customer: task.name(), ..planned.clone() };
    world.stack.tell(&strange, task.uuid(), 1, here).await.unwrap();
    world.stack.tell(&CaseOpened { customer: String::new(), ..opened }, case.uuid(), 1, here).await.unwrap();

    let entries = timeline(&world, &customer, 50).await;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["CASE_REPLIED", "CASE_ASSIGNED", "CASE_OPENED", "CALL_TASK_PLANNED", "CUSTOMER_CREATED"]
    );
    assert_eq!(entries[2].details.get("category").map(String::as_str), Some("waiting_time"));
    assert_eq!(entries[2].resource, case.name());

    let request = ListTimelineEntriesRequest {
        parent: customer.clone(),
        kinds: vec!["CASE_OPENED".to_owned(), "FOO".to_owned(), "case_opened".to_owned()],
        ..ListTimelineEntriesRequest::default()
    };
    let answer = world.customers(&world.here).list_timeline_entries(request).await;
    assert_eq!(wrong_fields(answer), ["kinds[1]", "kinds[2]"]);

    let request = ListTimelineEntriesRequest {
        parent: customer.clone(),
        kinds: vec!["CASE_OPENED".to_owned()],
        ..ListTimelineEntriesRequest::default()
    };
    let list = world
        .customers(&world.headquarters)
        .list_timeline_entries(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(list.timeline_entries.len(), 1);
    let answer = world.customers(&world.there).list_timeline_entries(request).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_plate_is_not_taken_from_a_strangers_car_by_a_slip() {
    let world = World::start().await;
    let first = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let second = world.open(&world.there, world.suzhou, "示例二", "13900005678").await.name;
    let plated = |delivery| Delivery { plate: "浙A12345".to_owned(), ..delivery };
    let old = plated(delivery(&first, world.hangzhou, "LDEMA00000X000001"));
    let old = world.deliver(&world.here, old).await.unwrap().vehicle;
    let elsewhere = plated(delivery(&second, world.suzhou, "LDEMA00000X000002"));
    assert_eq!(wrong_fields(world.deliver(&world.there, elsewhere.clone()).await), ["delivery.plate"]);
    assert_eq!(world.vehicle(&world.here, &old).await.unwrap().plate, "浙A12345");

    // The same customer's new car.
    let new = plated(delivery(&first, world.hangzhou, "LDEMA00000X000009"));
    let new = world.deliver(&world.here, new).await.unwrap().vehicle;
    assert_eq!(world.vehicle(&world.here, &new).await.unwrap().plate, "浙A12345");
    assert_eq!(world.vehicle(&world.here, &old).await.unwrap().plate, "");

    let looked_at = Delivery { plate_confirmed: true, ..elsewhere };
    let moved = world.deliver(&world.there, looked_at).await.unwrap().vehicle;
    assert_eq!(world.vehicle(&world.there, &moved).await.unwrap().plate, "浙A12345");
    assert_eq!(world.vehicle(&world.here, &new).await.unwrap().plate, "");
}

#[tokio::test]
async fn a_used_car_changes_hands_and_keeps_its_history() {
    let world = World::start().await;
    let first = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let second = world.open(&world.there, world.suzhou, "示例二", "13900005678").await.name;
    let car =
        Delivery { plate: "浙A12345".to_owned(), ..delivery(&first, world.hangzhou, "LDEMA00000X000001") };
    let sold = world.deliver(&world.here, car.clone()).await.unwrap();
    let twice = world.deliver(&world.here, car).await;
    assert_eq!(refusal(twice), (Code::FailedPrecondition, "VEHICLE_ALREADY_OWNED".to_owned()));

    world.stack.clock.advance(SignedDuration::from_hours(24 * 365));
    let used = Delivery {
        plate: "苏E12345".to_owned(),
        odometer_km: 20_000,
        ..delivery(&second, world.suzhou, "LDEMA00000X000001")
    };
    // Who only knows the number on the car learns nothing of it, and changes nothing.
    let guess = Delivery { odometer_km: 5, ..used.clone() };
    for unknown in [guess, used.clone()] {
        let answer = world.deliver(&world.there, unknown).await;
        assert_eq!(refusal(answer), (Code::FailedPrecondition, "VEHICLE_ELSEWHERE".to_owned()));
    }
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    let back = Delivery { odometer_km: 5, ..used.clone() };
    assert_eq!(wrong_fields(world.deliver(&world.there, back).await), ["delivery.odometer_km"]);
    let resold = world.deliver(&world.there, used).await.unwrap();
    assert_eq!(resold.vehicle, sold.vehicle);

    let now = world.vehicle(&world.there, &sold.vehicle).await.unwrap();
    assert_eq!(
        (now.owner.as_str(), now.plate.as_str(), now.odometer_km),
        (second.as_str(), "苏E12345", 20_000)
    );
    // The first store remembers the car; whose it is now is not its business.
    assert_eq!(world.vehicle(&world.here, &sold.vehicle).await.unwrap().owner, "");
    let owner = world.stack.owner().await.unwrap();
    let history: Vec<(bool,)> =
        sqlx::query_as("SELECT end_time IS NULL FROM customer.vehicle_ownerships ORDER BY start_time")
            .fetch_all(&owner)
            .await
            .unwrap();
    assert_eq!(history, [(false,), (true,)]);
}

#[tokio::test]
async fn a_car_comes_to_another_store_which_serves_its_owner_then() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        world.deliver(&world.here, delivery(&customer, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(24));
    let brought = |odometer_km| Visit {
        presented_car: Some(PresentedCar {
            vin: car.vin.clone(),
            phone: "138 0000 1234".to_owned(),
            ..PresentedCar::default()
        }),
        ..visit(world.suzhou, odometer_km)
    };
    let too_low = world.try_check_in(&world.there, brought(11)).await;
    assert_eq!(wrong_fields(too_low), ["visit.odometer_km"]);
    let visit = world.try_check_in(&world.there, brought(800)).await.unwrap();
    assert_eq!(visit.vehicle, car.vehicle);
    assert_eq!(visit.customer, customer);
    assert_eq!(world.file(&world.there, &customer).await.unwrap().stores, [world.suzhou.name()]);
    assert_eq!(world.vehicle(&world.there, &car.vehicle).await.unwrap().odometer_km, 800);
    let stranger = foursight_kernel::VehicleId::from(world.stack.ids.uuid()).name();
    let answer = world.check_in(&world.there, world.suzhou, &stranger, 800).await;
    assert_eq!(refusal(answer), (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn an_id_is_no_key_to_another_stores_file() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let reception = Reception {
        store: world.suzhou.name(),
        kind: ReceptionKind::WalkIn.into(),
        customer: customer.clone(),
        ..Reception::default()
    };
    let request = CreateReceptionRequest { reception: Some(reception), request_id: String::new() };
    let answer = world.receptions(&world.there).create_reception(request).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let answer = world.deliver(&world.there, delivery(&customer, world.suzhou, "LDEMA00000X000001")).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    assert!(world.file(&world.there, &customer).await.is_err());
}

#[tokio::test]
async fn leads_are_listed_by_what_is_due() {
    let world = World::start().await;
    let mut names = Vec::new();
    for (number, grade) in [LeadGrade::C, LeadGrade::H, LeadGrade::A].into_iter().enumerate() {
        let phone = format!("1380000000{number}");
        let customer = world.open(&world.here, world.hangzhou, &format!("示例{number}"), &phone).await.name;
        let lead = world.lead(&world.here, world.hangzhou, &customer).await;
        let request = GradeLeadRequest { name: lead.name.clone(), grade: grade.into(), ..Default::default() };
        world.leads(&world.here).grade_lead(request).await.unwrap();
        names.push(lead.name);
    }
    let ungraded = world.open(&world.here, world.hangzhou, "示例三", "13800000003").await.name;
    names.push(world.lead(&world.here, world.hangzhou, &ungraded).await.name);
    let expected = [&names[1], &names[2], &names[0], &names[3]];

    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListLeadsRequest { page_size: 1, page_token, ..ListLeadsRequest::default() };
        let list = world.leads(&world.here).list_leads(request).await.unwrap().into_inner();
        listed.extend(list.leads.into_iter().map(|lead| lead.name));
        page_token = list.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed.iter().collect::<Vec<_>>(), expected);

    let first = ListLeadsRequest { page_size: 1, ..ListLeadsRequest::default() };
    let page_token = world.leads(&world.here).list_leads(first).await.unwrap().into_inner().next_page_token;
    let other = ListLeadsRequest { page_token, overdue: true, ..ListLeadsRequest::default() };
    assert_eq!(wrong_fields(world.leads(&world.here).list_leads(other).await), ["page_token"]);

    world.stack.clock.advance(SignedDuration::from_hours(49));
    let request = ListLeadsRequest { overdue: true, ..ListLeadsRequest::default() };
    let list = world.leads(&world.here).list_leads(request.clone()).await.unwrap().into_inner();
    assert_eq!(list.leads.into_iter().map(|lead| lead.name).collect::<Vec<_>>(), [names[1].clone()]);
    assert!(world.leads(&world.there).list_leads(request).await.unwrap().into_inner().leads.is_empty());
    let stranger = foursight_proto::customer::v1::CreateLeadRequest {
        lead: Some(foursight_proto::customer::v1::Lead {
            customer: ungraded,
            store: world.suzhou.name(),
            source: 1,
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let answer = world.leads(&world.there).create_lead(stranger).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
}
