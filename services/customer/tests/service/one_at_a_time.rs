//! One open lead for each customer and store, and one workshop for each car.

use foursight_proto::customer::v1::{LeadGrade, ListLeadsRequest, PresentedCar, Visit};
use foursight_testkit::{metadata, refusal};
use sqlx::raw_sql;
use tonic::Code;

use crate::world::{World, delivery, lead, visit};

const AT_ONCE: usize = 10;

#[tokio::test]
async fn a_customer_has_one_open_lead_at_a_store() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let open = world.lead(&world.here, world.hangzhou, &customer).await;
    let second = world.try_lead(&world.here, lead(world.hangzhou, &customer)).await.unwrap_err();
    assert_eq!(metadata(&second, "lead"), Some(open.name.clone()));
    assert_eq!(refusal::<()>(Err(second)), (Code::AlreadyExists, "LEAD_ALREADY_OPEN".to_owned()));
    // Another store may have one, too.
    world.lead(&world.headquarters, world.suzhou, &customer).await;

    let car = foursight_proto::customer::v1::Delivery {
        lead: open.name,
        ..delivery(&customer, world.hangzhou, "LDEMA00000X000001")
    };
    world.deliver(&world.here, car).await.unwrap();
    world.lead(&world.here, world.hangzhou, &customer).await;
}

#[tokio::test]
async fn of_many_leads_at_once_one_is_made() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let senders: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let mut leads = world.leads(&world.here);
            let request = foursight_proto::customer::v1::CreateLeadRequest {
                lead: Some(lead(world.hangzhou, &customer)),
                request_id: String::new(),
            };
            tokio::spawn(async move { leads.create_lead(request).await })
        })
        .collect();
    let mut made = 0;
    for sender in senders {
        match sender.await.unwrap() {
            Ok(_) => made += 1,
            refused => assert_eq!(refusal(refused).1, "LEAD_ALREADY_OPEN"),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_car_is_in_one_workshop_at_a_time() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        world.deliver(&world.here, delivery(&customer, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let senders: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let mut visits = world.visits(&world.here);
            let visit = Visit { vehicle: car.vehicle.clone(), ..visit(world.hangzhou, 800) };
            let request = foursight_proto::customer::v1::CreateVisitRequest {
                visit: Some(visit),
                request_id: String::new(),
            };
            tokio::spawn(async move { visits.create_visit(request).await })
        })
        .collect();
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    for sender in senders {
        match sender.await.unwrap() {
            Ok(visit) => made.push(visit.into_inner().name),
            Err(status) => refused.push(status),
        }
    }
    assert_eq!((made.len(), refused.len()), (1, AT_ONCE - 1));
    for status in refused {
        assert_eq!(metadata(&status, "visit").as_ref(), made.first());
        assert_eq!(refusal::<()>(Err(status)), (Code::AlreadyExists, "VISIT_ALREADY_OPEN".to_owned()));
    }

    // At another store neither: it is told that, and not which visit.
    let brought = Visit {
        presented_car: Some(PresentedCar {
            vin: car.vin,
            phone: "13800001234".to_owned(),
            ..PresentedCar::default()
        }),
        ..visit(world.suzhou, 900)
    };
    let elsewhere = world.try_check_in(&world.there, brought.clone()).await.unwrap_err();
    assert_eq!(metadata(&elsewhere, "visit"), None);
    assert_eq!(refusal::<()>(Err(elsewhere)).1, "VISIT_ALREADY_OPEN");
    assert!(world.file(&world.there, &customer).await.is_err(), "nothing was written");

    world.hand_back(&world.here, &made[0]).await;
    world.try_check_in(&world.there, brought).await.unwrap();
}

#[tokio::test]
async fn of_many_deliveries_of_a_car_at_once_one_is_taken() {
    let world = World::start().await;
    let mut owners = Vec::new();
    for number in 0..AT_ONCE {
        // Half of them at another store, which sees neither the car nor its owner.
        let (by, store) =
            if number % 2 == 0 { (&world.here, world.hangzhou) } else { (&world.there, world.suzhou) };
        let phone = format!("1380000{number:04}");
        owners.push((by, store, world.open(by, store, "示例一", &phone).await.name));
    }
    let deliveries = owners
        .iter()
        .map(|(by, store, owner)| world.deliver(by, delivery(owner, *store, "LDEMA00000X000001")));
    let mut taken = Vec::new();
    for answer in futures::future::join_all(deliveries).await {
        match answer {
            Ok(delivery) => taken.push(delivery),
            refused => {
                let (code, reason) = refusal(refused);
                assert_eq!(code, Code::FailedPrecondition);
                assert!(
                    ["VEHICLE_JUST_DELIVERED", "VEHICLE_ELSEWHERE"].contains(&reason.as_str()),
                    "{reason}"
                );
            }
        }
    }
    assert_eq!(taken.len(), 1);
    let vehicle = world.vehicle(&world.headquarters, &taken[0].vehicle).await.unwrap();
    assert_eq!(vehicle.owner, taken[0].customer);
    assert_eq!(vehicle.odometer_readings.len(), 1, "nothing of the others was written");
}

/// The function of the database alone, as the program before this release calls it: without looking first.
#[tokio::test]
async fn the_database_itself_hands_a_car_over_once() {
    let world = World::start().await;
    let mut owners = Vec::new();
    for number in 0..2 {
        let phone = format!("1380000{number:04}");
        owners.push(world.open(&world.here, world.hangzhou, "示例一", &phone).await.name);
    }
    let sold =
        world.deliver(&world.here, delivery(&owners[0], world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let database = world.stack.owner().await.unwrap();
    let again = sqlx::query(
        "SELECT customer.hand_over_vehicle(gen_random_uuid(), $1, 'Demo X', '', '', NULL, $2, 20, gen_random_uuid(),
             gen_random_uuid(), (SELECT deliver_time + interval '59 minutes' FROM customer.vehicles WHERE vin = $1), now())",
    )
    .bind(&sold.vin)
    .bind(foursight_kernel::CustomerId::parse_name(&owners[1]).unwrap().uuid())
    .execute(&database)
    .await
    .unwrap_err();
    assert_eq!(foursight_kernel::unique_violation(&again), Some("vehicle_handed_over"));
    assert_eq!(world.vehicle(&world.here, &sold.vehicle).await.unwrap().owner, owners[0]);
}

/// As it is on the day of the upgrade: what broke the rule before stays, and counts.
#[tokio::test]
async fn what_broke_the_rule_before_it_was_one_does_not_hold_up_the_upgrade() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        world.deliver(&world.here, delivery(&customer, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let oldest = world.lead(&world.here, world.hangzhou, &customer).await;
    let first = world.check_in(&world.here, world.hangzhou, &car.vehicle, 800).await.unwrap();

    let owner = world.stack.owner().await.unwrap();
    let mut database = owner.acquire().await.unwrap();
    let before = "SET search_path = customer, public;
        ALTER TABLE leads DROP COLUMN beside CASCADE;
        ALTER TABLE visits DROP COLUMN beside CASCADE;
        CREATE TEMP TABLE l AS SELECT * FROM leads;
        UPDATE l SET id = gen_random_uuid() WHERE true;
        UPDATE l SET id = overlay(id::text placing 'ffffffff' from 1 for 8)::uuid;
        INSERT INTO leads SELECT * FROM l;
        CREATE TEMP TABLE v AS SELECT * FROM visits;
        UPDATE v SET id = overlay(gen_random_uuid()::text placing 'ffffffff' from 1 for 8)::uuid;
        INSERT INTO visits SELECT * FROM v;";
    raw_sql(before).execute(&mut *database).await.unwrap();
    raw_sql(include_str!("../../migrations/0009_one_at_a_time.sql")).execute(&mut *database).await.unwrap();

    let list = world.leads(&world.here).list_leads(ListLeadsRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.leads.len(), 2);
    let refused = world.try_lead(&world.here, lead(world.hangzhou, &customer)).await.unwrap_err();
    assert_eq!(metadata(&refused, "lead"), Some(oldest.name.clone()));
    for open in list.leads {
        let request = foursight_proto::customer::v1::GradeLeadRequest {
            name: open.name,
            grade: LeadGrade::H.into(),
            ..Default::default()
        };
        world.leads(&world.here).grade_lead(request).await.unwrap();
    }
    world.hand_back(&world.here, &first.name).await;
    let still = world.check_in(&world.here, world.hangzhou, &car.vehicle, 900).await.unwrap_err();
    world.hand_back(&world.here, &metadata(&still, "visit").unwrap()).await;
    world.check_in(&world.here, world.hangzhou, &car.vehicle, 900).await.unwrap();
}
