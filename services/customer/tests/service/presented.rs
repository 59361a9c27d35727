//! Whose car comes to which workshop: an id opens nobody's file at another store, what the customer brings does.

use foursight_proto::customer::v1::{Delivery, PresentedCar, Visit};
use foursight_testkit::{refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::Code;

use crate::world::{World, delivery, person, visit};

fn not_found() -> (Code, String) {
    (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned())
}

#[tokio::test]
async fn neither_an_id_nor_a_vin_alone_opens_another_stores_car() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        Delivery { plate: "浙A12345".to_owned(), ..delivery(&owner, world.hangzhou, "LDEMA00000X000001") };
    let car = world.deliver(&world.here, car).await.unwrap();

    let by_id = world.check_in(&world.there, world.suzhou, &car.vehicle, 800).await;
    assert_eq!(refusal(by_id), not_found());
    let brought = |vin: &str, plate: &str, phone: &str| Visit {
        presented_car: Some(PresentedCar {
            vin: vin.to_owned(),
            plate: plate.to_owned(),
            phone: phone.to_owned(),
        }),
        ..visit(world.suzhou, 800)
    };
    let alone = world.try_check_in(&world.there, brought(&car.vin, "", "")).await;
    assert_eq!(wrong_fields(alone), ["visit.presented_car.plate"]);
    let unknown = delivery(&owner, world.hangzhou, "LDEMA00000X000009").vin;
    for (vin, plate, phone) in [
        (car.vin.as_str(), "浙A12346", ""),
        (car.vin.as_str(), "", "13800001235"),
        (unknown.as_str(), "浙A12345", "13800001234"),
    ] {
        let refused = world.try_check_in(&world.there, brought(vin, plate, phone)).await;
        assert_eq!(refusal(refused), not_found());
    }
    let both = Visit { vehicle: car.vehicle.clone(), ..brought(&car.vin, "浙A12345", "") };
    assert_eq!(wrong_fields(world.try_check_in(&world.there, both).await), ["visit.presented_car"]);
    assert!(world.file(&world.there, &owner).await.is_err(), "nothing of it was told");

    // One of plate and phone fits: a car may have a new plate that nobody wrote down.
    let visit =
        world.try_check_in(&world.there, brought(&car.vin, "浙·a12345", "13900000000")).await.unwrap();
    assert_eq!((visit.vehicle.as_str(), visit.customer.as_str()), (car.vehicle.as_str(), owner.as_str()));
    assert_eq!(visit.presented_car, None);
    assert_eq!(world.file(&world.there, &owner).await.unwrap().name, owner);
}

#[tokio::test]
async fn whoever_brings_the_car_is_no_stranger() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let stranger = world.open(&world.there, world.suzhou, "示例二", "13900005678").await.name;
    let car =
        world.deliver(&world.here, delivery(&owner, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let brought =
        Visit { vehicle: car.vehicle.clone(), customer: stranger.clone(), ..visit(world.hangzhou, 800) };
    let refused = world.try_check_in(&world.here, brought.clone()).await;
    assert_eq!(refusal(refused), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    assert!(world.file(&world.here, &stranger).await.is_err());

    world.receive(&world.here, world.hangzhou, person(world.hangzhou, "示例二", "13900005678")).await;
    assert_eq!(world.try_check_in(&world.here, brought).await.unwrap().customer, stranger);
}

#[tokio::test]
async fn a_store_that_sold_the_car_once_does_not_see_whose_it_is_now() {
    let world = World::start().await;
    let first = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let second = world.open(&world.there, world.suzhou, "示例二", "13900005678").await.name;
    let sold =
        world.deliver(&world.here, delivery(&first, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(24 * 365));
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    let used = Delivery { odometer_km: 20_000, ..delivery(&second, world.suzhou, "LDEMA00000X000001") };
    world.deliver(&world.there, used).await.unwrap();

    let refused = world.check_in(&world.here, world.hangzhou, &sold.vehicle, 21_000).await;
    assert_eq!(refusal(refused), (Code::FailedPrecondition, "VEHICLE_ELSEWHERE".to_owned()));
    assert!(world.file(&world.here, &second).await.is_err());
    world.receive(&world.here, world.hangzhou, person(world.hangzhou, "示例二", "13900005678")).await;
    let visit = world.check_in(&world.here, world.hangzhou, &sold.vehicle, 21_000).await.unwrap();
    assert_eq!(visit.customer, second);
}
